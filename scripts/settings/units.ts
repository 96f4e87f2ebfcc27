type Units = Record<string, number>;

/** The least and the most that is taken, in the same notation. */
export type Range = { from: string; to: string };

const BYTES: Units = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const MILLISECONDS: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `100kb` → 102400. Throws RangeError with the reason. */
export function parseSize(text: string, range?: Range): number {
  const bytes = read(text.toLowerCase(), BYTES);
  if (bytes === undefined) throw new RangeError('is not a size such as 100kb, 1mb or 2gb');
  return within(bytes, range, BYTES);
}

/** `30s` → 30000. Throws RangeError with the reason. */
export function parseDuration(text: string, range?: Range): number {
  const ms = read(text, MILLISECONDS);
  if (ms === undefined) throw new RangeError('is not a time such as 500ms, 30s or 5m');
  return within(ms, range, MILLISECONDS);
}

function read(text: string, units: Units): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9}) ?([a-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}

function within(value: number, range: Range | undefined, units: Units): number {
  const [low = 0, high = Number.POSITIVE_INFINITY] = range
    ? [read(range.from, units), read(range.to, units)]
    : [];
  if (value < low || value > high) throw new RangeError(`is not between ${range?.from} and ${range?.to}`);
  return value;
}
