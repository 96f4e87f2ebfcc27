import { BerthError } from '../../../provisioning/errors.ts';

/** An IPv4 range; addresses are unsigned 32-bit numbers. */
export type Range = { text: string; base: number; prefix: number };

/** Reads `10.77.0.0/24`. Throws BerthError `network_invalid`. */
export function parseRange(text: string): Range {
  const range = readRange(text);
  if (range !== undefined && range.prefix >= 16 && range.prefix <= 28 && range.base === network(range))
    return range;
  throw new BerthError(
    'network_invalid',
    `the network ${text} is not an IPv4 range between /16 and /28`,
    'set machine.network in provisioning/hosts/<name>.yml to a private range such as 10.77.0.0/24',
  );
}

/** As `parseRange`, for what other programs print: any prefix, a bare address is a /32, undefined if it is not IPv4. */
export function readRange(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  const octets = match.slice(1, 5).map(Number);
  const prefix = Number(match[5] ?? 32);
  if (octets.some((octet) => octet > 255) || prefix > 32) return undefined;
  return { text, base: octets.reduce((sum, octet) => sum * 256 + octet, 0), prefix };
}

export function overlaps(a: Range, b: Range): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return network({ ...a, prefix }) === network({ ...b, prefix });
}

/** This computer's own address in the range: the first. */
export function gatewayOf(range: Range): string {
  return formatAddress(range.base + 1);
}

/** The addresses that machines may have, lowest first. */
export function* machineAddresses(range: Range): Generator<string> {
  const broadcast = range.base + 2 ** (32 - range.prefix) - 1;
  for (let address = range.base + 2; address < broadcast; address += 1) yield formatAddress(address);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** At most 15 characters, as the kernel wants interface names; the same for every checkout that uses the range. */
export function bridgeOf(range: Range): string {
  return `berth-${range.base.toString(16).padStart(8, '0')}`;
}

function network(range: Range): number {
  const size = 2 ** (32 - range.prefix);
  return Math.floor(range.base / size) * size;
}
