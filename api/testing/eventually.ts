import { setTimeout } from 'node:timers/promises';

const POLL_MS = 25;
const LIMIT_MS = 40_000;

/** What `read` resolves to once it is something; throws where that takes too long. */
export async function eventually<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  while (performance.now() < end) {
    const found = await read();
    if (found !== undefined) return found;
    await setTimeout(POLL_MS);
  }
  throw new Error(`${what} did not come within ${LIMIT_MS} ms`);
}
