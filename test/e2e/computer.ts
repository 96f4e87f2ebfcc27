import { readdirSync, readFileSync } from 'node:fs';
import { run } from '../../scripts/process.ts';

/** What a machine may leave behind on this computer, each as sorted lines, to be compared before and after. */
export async function traces(): Promise<Record<string, string[]>> {
  const lines = async (...argv: string[]) => (await run(argv)).stdout.split('\n').filter(Boolean).sort();
  return {
    links: (await lines('ip', '-brief', 'link')).map((line) => line.split(/[\s@]/)[0] as string),
    routes: await lines('ip', 'route'),
    tables: await lines('nft', 'list', 'tables'),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] as string)
      .filter(Boolean)
      .sort(),
    forwarding: [readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()],
    run: listed('/run').filter((name) => name.startsWith('berth')),
    processes: (await lines('ps', '-eo', 'args')).filter(
      (line) => line.includes('systemd-nspawn') || line.includes('supervise.sh'),
    ),
  };
}

function listed(path: string): string[] {
  return readdirSync(path).sort();
}

/** Seconds that `work` takes, and what it gives. */
export async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const began = performance.now();
  const value = await work();
  return [value, (performance.now() - began) / 1000];
}

/** Tries until `attempt` gives something other than undefined; rejects with the last failure after `seconds`. */
export async function eventually<T>(
  what: string,
  seconds: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
