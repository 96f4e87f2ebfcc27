import { readFileSync } from 'node:fs';
import { BerthError } from '../../../provisioning/errors.ts';
import { readRange } from './range.ts';

export type Resolver = { nameservers: string[]; search: string[] };

/** A stub on this computer's loopback cannot be reached from a machine; systemd-resolved says whom it asks itself. */
const files = [
  '/etc/resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/NetworkManager/no-stub-resolv.conf',
];

/** The name servers that a machine can use too. Throws BerthError `dns_unusable`. */
export function readResolver(paths = files): Resolver {
  for (const path of paths) {
    const resolver = parseResolver(readIfThere(path));
    if (resolver.nameservers.length > 0) return resolver;
  }
  throw new BerthError(
    'dns_unusable',
    'no name server of this computer can be reached from a machine: /etc/resolv.conf names none but loopback and IPv6 addresses',
    'name a server with an IPv4 address of its own in /etc/resolv.conf',
  );
}

/** Machines have IPv4 only. */
export function parseResolver(text: string): Resolver {
  const fields = text.split('\n').map((line) => line.trim().split(/\s+/));
  const valuesOf = (keyword: string) =>
    fields.filter(([first]) => first === keyword).map(([, ...values]) => values);
  const usable = (address: string) => readRange(address) !== undefined && !/^(127|0)\./.test(address);
  return {
    nameservers: valuesOf('nameserver').flat().filter(usable),
    search: valuesOf('search').at(-1) ?? [],
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
