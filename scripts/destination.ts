import { isIP, isIPv6 } from 'node:net';
import { BerthError } from '../provisioning/errors.ts';
import { loginName, sshDestination } from './settings/names.ts';

/** Where to log in, as ssh takes it; what is left out is what the person's configuration says. */
export type Destination = { user?: string; host: string; port?: number };

/**
 * `user@host`, `host` (also an alias of the SSH configuration), `ssh://user@host:port`; IPv6 with or without brackets.
 * Throws BerthError `wrong_usage`.
 */
export function parseDestination(text: string): Destination {
  const [, rest = text] = /^ssh:\/\/(.*?)\/?$/.exec(text) ?? [];
  const at = rest.lastIndexOf('@');
  const user = at === -1 ? undefined : rest.slice(0, at);
  const [host, port] = hostAndPort(rest.slice(at + 1), rest !== text);
  try {
    return {
      ...(user === undefined ? {} : { user: loginName(user) }),
      host: sshDestination(host),
      ...(port === undefined ? {} : { port: portNumber(port) }),
    };
  } catch (error) {
    throw new BerthError(
      'wrong_usage',
      `${JSON.stringify(text)} is no destination: ${(error as Error).message}`,
      'say user@host, ssh://user@host:port, or an alias of your ssh configuration',
    );
  }
}

/** A name for the hosts file: of the domain, else of the host; an address is no name by itself. */
export function hostFileName(destination: Destination, domain: string | undefined): string {
  const from = domain ?? destination.host;
  const name = from
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 50);
  return isIP(from) ? `vps-${name}` : name;
}

/** Only the URL has a port; without one a colon is part of an IPv6 address. */
function hostAndPort(text: string, url: boolean): [host: string, port?: string] {
  const [, bracketed, after] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return after === undefined ? [bracketed] : [bracketed, after];
  if (isIPv6(text) || !url) return [text];
  const [host = '', port] = text.split(':');
  return port === undefined ? [host] : [host, port];
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new RangeError(`${JSON.stringify(text)} is no port`);
}
