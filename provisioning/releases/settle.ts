import { setTimeout as wait } from 'node:timers/promises';
import { letIn } from '../broker/admit.ts';
import type { Run } from '../engine.ts';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { discard, pointSocket } from './cutover.ts';
import { type Steering, startHealthy } from './gate.ts';
import { appRoot, liveNumber, readRelease, releaseNumbers, releasePath, writeRelease } from './store.ts';
import { restoreStores } from './stores.ts';
import { followWithWorkers, workersFollow } from './workers.ts';

/** Ends what a killed run has left of every application. */
export async function settleAll(
  { settings }: { settings: Settings },
  { host, emit, stop }: Pick<Run, 'host' | 'emit' | 'stop'>,
): Promise<void> {
  const say = (text: string) => emit({ type: 'progress', text });
  for (const app of Object.values(settings.apps)) {
    if (await host.stat(appRoot(app.name))) await settle(host, app, { say, stop });
  }
}

/**
 * Ends what a run that was killed has left half way, so that the next one begins where exactly one release serves:
 * the one that `current` points to. A release that never went live has failed.
 *
 * @throws BerthError of the gate when `current` points to a release that does not start; `stopped`
 */
export async function settle(host: Host, app: AppSettings, steering: Steering): Promise<void> {
  await awaitReleaseProcesses(host, app.name, steering);
  const live = await liveNumber(host, app.name);
  if (live !== null) await followPointer(host, app, live, steering);
  const numbers = await releaseNumbers(host, app.name);
  for (const number of numbers) await settleRelease(host, app.name, number, live);
  const kept = numbers.map((number) => releasePath(app.name, number));
  for (const directory of [appRoot(app.name), `/run/${app.name}`, `/etc/${app.name}`, ...kept]) {
    await removeTemporary(host, directory);
  }
}

/** A migration is never cut short: one that outlived its run is waited for, its unit's own timeout is the limit. */
async function awaitReleaseProcesses(host: Host, app: string, { say, stop }: Steering): Promise<void> {
  const argv = ['systemctl', 'list-units', '--plain', '--no-legend', '--state=activating,deactivating'];
  for (let said = ''; ; await wait(200)) {
    const running = (await host.must([...argv, `${app}-release@*.service`])).match(/@\d+\.service/)?.[0];
    if (running === undefined) return;
    if (stop.aborted) {
      throw new BerthError(
        'stopped',
        `stopped on request: the release process ${app}-release${running}, which a killed run began, still runs`,
        'run the same command again: it waits for its end',
      );
    }
    if (running !== said)
      say(`waits for the release process ${app}-release${running}, which a killed run began`);
    said = running;
  }
}

/**
 * A run may be killed between its two renames: nginx, `/etc/<app>`, RabbitMQ and workers then still follow the release
 * before.
 */
async function followPointer(
  host: Host,
  app: AppSettings,
  live: number,
  { say, stop }: Steering,
): Promise<void> {
  const socket = (await host.stat(`/run/${app.name}/current.sock`))?.target;
  if (socket !== `sockets/${live}.sock`) {
    say(`v${live} is pointed to and does not serve yet`);
    await startHealthy(host, app, live, { say, stop });
    await restoreStores(host, app.name, live);
    await pointSocket(host, app.name, live);
  }
  if (await workersFollow(host, app.name, live)) return;
  await letIn(host, app.name, live, say);
  await followWithWorkers(host, app.name);
}

async function settleRelease(host: Host, app: string, number: number, live: number | null): Promise<void> {
  const release = await readRelease(host, app, number);
  if (release === null) {
    // Its number was reserved and nothing more.
    if (number !== live) await host.remove(releasePath(app, number));
  } else if (release.state === 'starting') {
    if (number === live) await writeRelease(host, app, { ...release, state: 'good' });
    else await discard(host, release, app, 'its deploy was interrupted');
  }
}

/** What `host` writes beside a file before it renames it. */
async function removeTemporary(host: Host, directory: string): Promise<void> {
  for (const name of await host.list(directory)) {
    if (/^\..+\.[0-9a-f]{12}\.swp$/.test(name)) await host.remove(`${directory}/${name}`);
  }
}
