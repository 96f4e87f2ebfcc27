import { setTimeout as pause } from 'node:timers/promises';

/** Waits for a condition; false if it did not come true in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
  signal?: AbortSignal | undefined,
): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() >= deadline) return false;
    await pause(20, undefined, signal === undefined ? {} : { signal });
  }
  return true;
}
