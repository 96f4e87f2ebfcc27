import type { Connection } from './network.ts';

/** Says which files are ours to write again at each start; a person who changes one removes the line. */
export const mark = '# Written by Berth whenever the machine starts; without this line it is left alone.';

export function networkUnit({ address, prefix, gateway, mtu }: Connection): string {
  return `${mark}
[Match]
Name=host0

[Link]
MTUBytes=${mtu}

[Network]
Address=${address}/${prefix}
Gateway=${gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
LLMNR=no
MulticastDNS=no
`;
}

export function resolvConf(nameservers: string[], search: string[]): string {
  const lines = nameservers.map((address) => `nameserver ${address}`);
  if (search.length > 0) lines.push(`search ${search.join(' ')}`);
  return [mark, ...lines, ''].join('\n');
}

export function hosts(name: string): string {
  return `127.0.0.1 localhost
127.0.1.1 ${name}
::1 localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
`;
}
