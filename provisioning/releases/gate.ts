import { setTimeout as wait } from 'node:timers/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings } from '../settings.ts';
import { get } from './probe.ts';
import { socketPath, unitOf } from './store.ts';

export type Say = (text: string) => void;

const answersNeeded = 3;
const everyMs = 100;
const timeoutMs = 60_000;
/** So many ends of a process while it starts are no accident: waiting for the timeout would tell nothing more. */
const endsAllowed = 4;

/**
 * Starts a release and waits until its health path has answered 200 several times in a row, and its smoke path,
 * where one is set, with anything below 500.
 *
 * @throws BerthError `release_crashes`, `release_unhealthy`, `release_smokes` with the process's last log lines
 */
export async function startHealthy(host: Host, app: AppSettings, number: number, say: Say): Promise<void> {
  const since = Date.now();
  say(`v${number} starts`);
  await host.must(['systemctl', 'start', unitOf(app.name, number)]);
  await proveHealthy(host, app, number, since, say);
  if (app.smoke !== null) await proveSmoke(host, app, number, app.smoke);
  say(`v${number} is healthy`);
}

async function proveHealthy(host: Host, app: AppSettings, number: number, since: number, say: Say) {
  const { name, health } = app;
  const asked = `${health} was not answered with 200`;
  for (let good = 0; good < answersNeeded; await wait(good < answersNeeded ? everyMs : 0)) {
    const last = await answerOf(name, number, health);
    good = last.startsWith('200 ') ? good + 1 : 0;
    if (good > 0) continue;
    say(`v${number} is not healthy yet: ${last}`);
    if (Date.now() - since > timeoutMs) {
      throw await refused(
        host,
        app,
        number,
        'release_unhealthy',
        `${asked} within ${timeoutMs / 1000} s; last: ${last}`,
      );
    }
    if ((await endsSince(host, unitOf(name, number), since)) >= endsAllowed) {
      throw await refused(host, app, number, 'release_crashes', `its processes end as soon as they start`);
    }
  }
}

async function proveSmoke(host: Host, app: AppSettings, number: number, path: string): Promise<void> {
  const answer = await answerOf(app.name, number, path);
  if (Number.parseInt(answer, 10) < 500) return;
  throw await refused(host, app, number, 'release_smokes', `${path} answered ${answer}`);
}

/** `200 {"status":"ok"}`, or why there was no answer. */
async function answerOf(app: string, number: number, path: string): Promise<string> {
  try {
    const { status, body } = await get(socketPath(app, number), path, 5000);
    return `${status} ${body.slice(0, 300)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** How often pm2 has said that one of its processes ended. */
async function endsSince(host: Host, unit: string, since: number): Promise<number> {
  const from = `--since=@${Math.floor(since / 1000)}`;
  const { stdout } = await host.run(['journalctl', '--no-pager', '--output=cat', from, `--unit=${unit}`]);
  return stdout.split('\n').filter((line) => /PM2.* exited with code /.test(line)).length;
}

async function refused(host: Host, app: AppSettings, number: number, code: string, why: string) {
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
