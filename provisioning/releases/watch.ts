import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from '../host.ts';

/** One line of nginx's access log, as far as a watch needs it. */
export type Served = {
  at: number;
  app: string;
  status: number;
  /** How long the application took: a client that sends or reads slowly is not its fault. */
  seconds: number;
  release: string;
};

export type Watched = { app: string; number: number; durationMs: number; stop: AbortSignal };

const logPath = '/var/log/nginx/access.log';
const pollMs = 500;
const sampleBytes = 1024 ** 2;
const beforeMs = 60_000;
/** nginx lets go of the release before within its two upstream keep-alive times. */
const movedMs = 3000;

/** Too few answers say nothing: neither of failures nor of slowness. */
const minimum = { answers: 20, failures: 3 };
const tolerated = { failureRate: 0.05, failureRatio: 3, slower: 3, slowerBySeconds: 0.2 };

/**
 * Watches a release that has just gone live in nginx's log and compares it with what was served before.
 *
 * @returns why it must not stay; null when the time is over, or when asked to stop, without a reason
 */
export async function watch(host: Host, { app, number, durationMs, stop }: Watched): Promise<string | null> {
  const flippedAt = Date.now();
  const read = await openLog(host, app);
  const before = (await read()).filter(({ at }) => at > flippedAt - beforeMs && at < flippedAt);
  const since: Served[] = [];
  while (Date.now() < flippedAt + durationMs && !stop.aborted) {
    await wait(pollMs);
    since.push(...(await read()).filter((line) => isOf(line, number, flippedAt)));
    const reason = judge(before, since);
    if (reason) return reason;
  }
  return null;
}

/** An answer names its release; an application that does not say it has all its traffic on the new one soon. */
function isOf({ at, release }: Served, number: number, flippedAt: number): boolean {
  return release === '' ? at > flippedAt + movedMs : release === `v${number}`;
}

/** Why what is served since is worse than what was served before; null: it is not, or nobody can tell. */
export function judge(before: Served[], since: Served[]): string | null {
  if (since.length < minimum.answers) return null;
  const failures = since.filter(({ status }) => status >= 500).length;
  const rate = failures / since.length;
  const usual = before.length === 0 ? 0 : before.filter(({ status }) => status >= 500).length / before.length;
  if (
    failures >= minimum.failures &&
    rate > Math.max(tolerated.failureRate, usual * tolerated.failureRatio)
  ) {
    return `${failures} of ${since.length} answers were failures (before: ${(usual * 100).toFixed(1)} %)`;
  }
  if (before.length < minimum.answers) return null;
  const [now, then] = [median(since), median(before)];
  if (now > then * tolerated.slower && now > then + tolerated.slowerBySeconds) {
    return `an answer takes ${now.toFixed(2)} s (before: ${then.toFixed(2)} s)`;
  }
  return null;
}

function median(served: Served[]): number {
  const seconds = served.map((line) => line.seconds).sort((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 2)] ?? 0;
}

/** Returns a function that reads what was logged since its last call; the first time, the log's last MiB. */
async function openLog(host: Host, app: string): Promise<() => Promise<Served[]>> {
  let offset = Math.max(0, ((await host.stat(logPath))?.size ?? 0) - sampleBytes);
  return async () => {
    const size = (await host.stat(logPath))?.size ?? 0;
    if (size < offset) offset = 0; // rotated
    const text = await host.readFrom(logPath, offset);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    offset += Buffer.byteLength(whole);
    return whole
      .split('\n')
      .flatMap(parseLine)
      .filter((line) => line.app === app);
  };
}

/** A line of the log that nginx.conf's `berth` format makes; anything else is nothing. */
export function parseLine(line: string): Served[] {
  try {
    const { time, app, status, upstream_seconds: seconds, release } = JSON.parse(line);
    // What a client did wrong says nothing of a release, and anybody can do it.
    if (status >= 400 && status < 500) return [];
    return [{ at: Date.parse(time), app, status, seconds: Number(seconds) || 0, release }];
  } catch {
    return [];
  }
}
