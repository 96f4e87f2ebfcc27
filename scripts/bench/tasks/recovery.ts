/** A pause belongs to a kill if it begins so soon after it: what was under way may still be done. */
const SOON_MS = 1_000;

/**
 * How long things stood still by a kill, in milliseconds: the longest time without an event that the kill falls into,
 * counted from the kill, or that begins within a second of it. NaN: there was none afterwards.
 */
export function recovery(killedAt: number, events: number[]): number {
  const times = events.filter((time) => time > killedAt).sort((a, b) => a - b);
  let longest = Number.NaN;
  let before = killedAt;
  for (const time of times) {
    if (before > killedAt + SOON_MS) break;
    longest = Math.max(Number.isNaN(longest) ? 0 : longest, time - before);
    before = time;
  }
  return longest;
}
