import { setTimeout as wait } from 'node:timers/promises';
import { letIn } from '../broker/admit.ts';
import { BerthError, messageOf } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings } from '../settings.ts';
import { type Say, startHealthy, stoppedBefore } from './gate.ts';
import { appRoot, liveNumber, type Release, socketPath, unitOf, writeRelease } from './store.ts';
import { restoreStores } from './stores.ts';
import { watch } from './watch.ts';
import { followWithWorkers } from './workers.ts';

export type Cutover = {
  host: Host;
  app: AppSettings;
  say: Say;
  /** Aborted when the operator asks to stop. */
  stop: AbortSignal;
  /** Whether the release before stays running for a rollback at once. */
  warm: boolean;
};

/**
 * Brings a release live beside the one that serves: it proves itself on its own socket first; then one rename
 * moves nginx over; then it is watched while the one before still runs, and taken back if it does worse. A release
 * that fails its proof never sees a request.
 *
 * @throws BerthError of the gate; `stopped` before the flip; `release_worse` after having flipped back
 */
export async function goLive(cutover: Cutover, release: Release): Promise<void> {
  const { host, app, say, stop, warm } = cutover;
  const { number } = release;
  const previous = await liveNumber(host, app.name);
  try {
    await startHealthy(host, app, number, { say, stop });
    if (stop.aborted) throw stoppedBefore(app.name, number);
    await pointTo(cutover, number);
  } catch (error) {
    // Past the first rename it is the truth, and the next run ends what is missing.
    if ((await liveNumber(host, app.name)) !== number) {
      await discard(host, release, app.name, messageOf(error));
      if (previous !== null) await letIn(host, app.name, previous, say);
    }
    throw error;
  }
  await writeRelease(host, app.name, { ...release, state: 'good' });
  say(`v${number} is live`);
  if (previous === null || previous === number) return;
  await keepOrTakeBack(cutover, release, previous);
  if (!warm) await retire(cutover, previous);
}

async function keepOrTakeBack(cutover: Cutover, release: Release, previous: number): Promise<void> {
  const { host, app, say, stop } = cutover;
  const { number } = release;
  if (app.watchMs === 0) return;
  say(`watches v${number} for ${app.watchMs / 1000} s`);
  const reason = await watch(host, { app: app.name, number, durationMs: app.watchMs, stop });
  if (reason === null) return;
  await pointTo(cutover, previous);
  // At once: a run that is killed while the release finishes must not leave it for a good one.
  await markFailed(host, release, app.name, reason);
  await awaitQuiet(cutover, number);
  await discard(host, release, app.name, reason);
  throw new BerthError(
    'release_worse',
    `v${number} of ${app.name} was taken back, v${previous} serves again: ${reason}`,
    'see why in its log (berth logs), mend the application and deploy again',
  );
}

/** Stops a release that shall not serve, and writes down why. */
export async function discard(host: Host, release: Release, app: string, reason: string): Promise<void> {
  await host.run(['systemctl', 'stop', unitOf(app, release.number)]);
  await markFailed(host, release, app, reason);
}

async function markFailed(host: Host, release: Release, app: string, reason: string): Promise<void> {
  await writeRelease(host, app, { ...release, state: 'failed', failure: reason.slice(0, 500) });
}

/**
 * The flip, forwards or back: first the truth on disk, then what follows it: what `/etc/<app>` holds, nginx, RabbitMQ,
 * the workers. A machine that stops in between boots into the new release, and the next run ends the rest (`settle`).
 */
export async function pointTo(
  { host, app: { name }, say }: Pick<Cutover, 'host' | 'app' | 'say'>,
  number: number,
): Promise<void> {
  await host.link(`${appRoot(name)}/current`, `releases/${number}`);
  await restoreStores(host, name, number);
  await pointSocket(host, name, number);
  await letIn(host, name, number, say);
  await followWithWorkers(host, name);
}

export async function pointSocket(host: Host, app: string, number: number): Promise<void> {
  await host.link(`/run/${app}/current.sock`, `sockets/${number}.sock`);
}

/** Stops a release once no connection is left on its socket. */
export async function retire(cutover: Cutover, number: number): Promise<void> {
  const { host, app, say } = cutover;
  await awaitQuiet(cutover, number);
  await host.must(['systemctl', 'stop', unitOf(app.name, number)]);
  say(`v${number} has stopped`);
}

/** Stops every running release but these, as an earlier deploy that was killed may have left some. */
export async function retireOthers(cutover: Cutover, keep: (number | null)[]): Promise<void> {
  for (const number of await runningNumbers(cutover.host, cutover.app.name)) {
    if (!keep.includes(number)) await retire(cutover, number);
  }
}

/** The releases whose unit runs or is about to. */
export async function runningNumbers(host: Host, app: string): Promise<number[]> {
  const states = '--state=active,activating,reloading,deactivating';
  const units = await host.must([
    'systemctl',
    'list-units',
    '--plain',
    '--no-legend',
    states,
    `${app}@*.service`,
  ]);
  return [...units.matchAll(/@(\d+)\.service/g)].map((found) => Number(found[1]));
}

/**
 * Waits until no connection is left on a release's socket. nginx lets go of it by itself within its upstream
 * keep-alive times (1.5 s + 1 s); what lasts longer is a running request, and `drainMs` since nginx was last
 * pointed elsewhere is its limit.
 */
async function awaitQuiet({ host, app, say }: Cutover, number: number): Promise<void> {
  const deadline = (await pointedAt(host, app.name)) + app.drainMs;
  let said = 0;
  for (;;) {
    const left = countConnections((await host.read('/proc/net/unix')) ?? '', socketPath(app.name, number));
    if (left === 0 || Date.now() > deadline) return;
    if (left !== said) say(`v${number} finishes ${left} connection${left === 1 ? '' : 's'}`);
    said = left;
    await wait(100);
  }
}

/** When nginx was last pointed to a release, in milliseconds; a symlink is made anew each time. */
async function pointedAt(host: Host, app: string): Promise<number> {
  return Number(await host.must(['stat', '--format=%.3Y', `/run/${app}/current.sock`])) * 1000;
}

/** Connections on a socket: its lines in /proc/net/unix that wait to be accepted (02) or are connected (03). */
export function countConnections(procNetUnix: string, path: string): number {
  const states = procNetUnix
    .split('\n')
    .filter((line) => line.endsWith(` ${path}`))
    .map((line) => line.split(/\s+/)[5] ?? '');
  return states.filter((state) => ['02', '03'].includes(state)).length;
}
