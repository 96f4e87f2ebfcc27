import { BerthError } from '../../../provisioning/errors.ts';
import { runChecked } from '../../process.ts';
import { overlaps, type Range, readRange } from './range.ts';

/** `ip -j -4 address` and `ip -j -4 route show table all`, the fields we read. */
export type AddressEntry = { ifname: string; addr_info: { local: string; prefixlen: number }[] };
export type RouteEntry = { dst: string; dev?: string; gateway?: string; type?: string };

/** What else on this computer lies in the range, in words; undefined where it is free or our bridge's. */
export function holderOf(
  range: Range,
  bridge: string,
  addresses: AddressEntry[],
  routes: RouteEntry[],
): string | undefined {
  for (const { ifname, addr_info } of addresses.filter((entry) => entry.ifname !== bridge)) {
    const taken = addr_info.find(({ local, prefixlen }) => clashes(range, `${local}/${prefixlen}`));
    if (taken !== undefined)
      return `the address ${taken.local}/${taken.prefixlen} of the interface ${ifname}`;
  }
  const route = routes.find(({ dst, dev }) => dev !== bridge && clashes(range, dst));
  if (route === undefined) return undefined;
  const towards = route.dev === undefined ? (route.type ?? 'unicast') : `by the interface ${route.dev}`;
  return `the route to ${route.dst} ${towards}`;
}

/** Throws BerthError `network_taken`. */
export async function assertRangeFree(range: Range, bridge: string): Promise<void> {
  const [addresses, routes] = await Promise.all([
    ipJson<AddressEntry[]>(['-4', 'address']),
    ipJson<RouteEntry[]>(['-4', 'route', 'show', 'table', 'all']),
  ]);
  const holder = holderOf(range, bridge, addresses, routes);
  if (holder === undefined) return;
  throw new BerthError(
    'network_taken',
    `the network ${range.text} is taken on this computer by ${holder}`,
    'set machine.network in provisioning/hosts/<name>.yml to a private range that is free, e.g. 10.78.0.0/24',
  );
}

/** The interface that the default route leaves by; undefined offline. */
export async function outerInterface(): Promise<string | undefined> {
  return (await ipJson<RouteEntry[]>(['-4', 'route', 'show', 'default']))[0]?.dev;
}

function clashes(range: Range, other: string): boolean {
  const found = readRange(other);
  // `default`, and the two halves of everything that a VPN sets instead of it, hold nothing.
  return found !== undefined && found.prefix > 1 && overlaps(range, found);
}

async function ipJson<T extends unknown[]>(args: string[]): Promise<T> {
  const { stdout } = await runChecked(['ip', '-j', ...args]);
  return JSON.parse(stdout.trim() === '' ? '[]' : stdout);
}
