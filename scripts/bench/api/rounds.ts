import type { Contender } from './contenders.ts';
import { type LoadOptions, load, type Request, type Round } from './load.ts';
import { cpuSeconds } from './processes.ts';

/** A round with the processor time, in seconds, of the server's processes alone. */
export interface Measured extends Round {
  cpu: number;
}

export interface RoundsOptions extends LoadOptions {
  rounds: number;
  /** The share of requests that may be refused, as votes for what has one already. */
  refused?: number;
  /** Whether some may take longer than wrk waits, 2 s. */
  slow?: boolean;
}

/** More than wrk has under way when a round ends, which are not counted. */
const IN_FLIGHT = 100;

/** For the compiler. */
const WARM_UP = 3;

/** Rounds in turn, so that what slows the computer down slows down all; the first are to warm up. */
export async function interleave(
  contenders: Contender[],
  requestsTo: (name: string) => Request[],
  { rounds, refused = 0, slow = false, ...options }: RoundsOptions,
): Promise<Map<string, Measured[]>> {
  const measured = new Map(contenders.map(({ name }) => [name, [] as Measured[]]));
  let offset = 0;
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const { name, origin, process } of contenders) {
      const requests = requestsTo(name);
      const before = await cpuSeconds(process.pid as number);
      const result = await load(origin, requests, { ...options, offset });
      const cpu = (await cpuSeconds(process.pid as number)) - before;
      // Each goes on where the one before has ended, so that nobody finds votes given already.
      offset = (offset + result.requests + IN_FLIGHT) % requests.length;
      if ((result.broken > 0 && !slow) || result.refused > refused * result.requests)
        throw new Error(`${name}: ${JSON.stringify(result)}`);
      if (round >= 0) measured.get(name)?.push({ ...result, cpu });
    }
  }
  return measured;
}
