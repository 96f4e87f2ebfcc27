import { setTimeout as wait } from 'node:timers/promises';
import { letIn } from '../broker/admit.ts';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings } from '../settings.ts';
import { get } from './probe.ts';
import { socketPath, unitOf } from './store.ts';

export type Say = (text: string) => void;

/** A release that runs already has proven itself before. */
const answersNeeded = { cold: 3, warm: 1 };
const everyMs = 100;
const journalEveryMs = 500;
const answerWithinMs = 5000;
/** So many ends of a process while it starts are no accident: waiting for the timeout would tell nothing more. */
const endsAllowed = 4;

/** How a run says what it does, and is asked to stop. */
export type Steering = { say: Say; stop: AbortSignal };

type Start = Steering & { host: Host; app: AppSettings; number: number; since: number };

/**
 * Starts a release and waits until its health path has answered 200 several times in a row, and its smoke path,
 * where one is set, with anything below 500.
 *
 * @throws BerthError `release_crashes`, `release_silent`, `release_unhealthy`, `release_smokes` with the process's
 * last log lines; `stopped`
 */
export async function startHealthy(
  host: Host,
  app: AppSettings,
  number: number,
  { say, stop }: Steering,
): Promise<void> {
  await letIn(host, app.name, number, say);
  const unit = unitOf(app.name, number);
  const start = { host, app, number, say, stop, since: Date.now() };
  const warm = (await host.run(['systemctl', 'is-active', '--quiet', unit])).code === 0;
  if (!warm) {
    say(`v${number} starts`);
    await host.must(['systemctl', 'start', unit]);
  }
  await proveHealthy(start, warm ? answersNeeded.warm : answersNeeded.cold);
  if (app.smoke !== null) await proveSmoke(start, app.smoke);
  say(`v${number} is healthy`);
}

async function proveHealthy(start: Start, needed: number): Promise<void> {
  const { app, number, say, stop, since } = start;
  let [good, said, readAt] = [0, '', since];
  for (;;) {
    const last = await answerOf(app.name, number, app.health);
    good = last.startsWith('200 ') ? good + 1 : 0;
    if (good === needed) return;
    if (good === 0 && last !== said) say(`v${number} is not healthy yet: ${last}`);
    said = last;
    if (good === 0 && Date.now() > readAt + journalEveryMs) {
      await requireAlive(start);
      readAt = Date.now();
    }
    if (stop.aborted) throw stoppedBefore(app.name, number);
    if (Date.now() > since + app.startTimeoutMs) throw await late(start, last);
    await wait(everyMs);
  }
}

export function stoppedBefore(app: string, number: number): BerthError {
  return new BerthError(
    'stopped',
    `stopped on request: v${number} of ${app} did not go live, the release before serves`,
    'run the same command again',
  );
}

async function late(start: Start, last: string): Promise<BerthError> {
  const { health, startTimeoutMs } = start.app;
  const within = `within ${startTimeoutMs / 1000} s (apps.<name>.start_timeout)`;
  if (/^connect (ENOENT|ECONNREFUSED)/.test(last)) {
    return refused(start, 'release_silent', `it did not listen on PORT ${within}`);
  }
  return refused(start, 'release_unhealthy', `${health} was not answered with 200 ${within}; last: ${last}`);
}

async function proveSmoke(start: Start, path: string): Promise<void> {
  const answer = await answerOf(start.app.name, start.number, path);
  if (Number.parseInt(answer, 10) < 500) return;
  throw await refused(start, 'release_smokes', `the smoke request ${path} ended in: ${answer}`);
}

/** `200 {"status":"ok"}`, or why there was no answer. */
async function answerOf(app: string, number: number, path: string): Promise<string> {
  try {
    const { status, body } = await get(socketPath(app, number), path, answerWithinMs);
    return `${status} ${body.slice(0, 300)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** pm2 says when one of its processes ended. */
async function requireAlive(start: Start): Promise<void> {
  const { host, app, number, since } = start;
  const from = `--since=@${Math.floor(since / 1000)}`;
  const unit = `--unit=${unitOf(app.name, number)}`;
  const ends = ['--grep=PM2.* exited with code ', `--lines=${endsAllowed}`];
  const argv = ['journalctl', '--quiet', '--no-pager', '--output=cat', from, unit, ...ends];
  const { stdout } = await host.run(argv);
  if (stdout.split('\n').filter(Boolean).length < endsAllowed) return;
  throw await refused(start, 'release_crashes', 'its processes end as soon as they start');
}

async function refused({ host, app, number }: Start, code: string, why: string): Promise<BerthError> {
  const log = await lastLines(host, unitOf(app.name, number));
  const hint = 'the release that ran before still serves; mend the application and deploy again';
  return new BerthError(code, `v${number} of ${app.name} did not go live: ${why}\n${log}`, hint);
}

export async function lastLines(host: Host, unit: string): Promise<string> {
  const { stdout } = await host.run([
    'journalctl',
    '--no-pager',
    '--output=cat',
    '--lines=20',
    `--unit=${unit}`,
  ]);
  return stdout.trimEnd();
}
