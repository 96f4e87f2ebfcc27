import { letIn } from '../broker/admit.ts';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';
import { type Cutover, pointTo, retireOthers, runningNumbers } from './cutover.ts';
import { staysWarm } from './formation.ts';
import { startHealthy } from './gate.ts';
import { requireMemory } from './room.ts';
import { settle } from './settle.ts';
import { liveNumber, type Release, readRelease, releaseNumbers, unitOf } from './store.ts';

export type RollbackInput = {
  settings: Settings;
  app: string;
  /** Which release; null: the one that the live one replaced. */
  to: number | null;
};

export type RollbackResult = { release: number; from: number };

/**
 * Brings an earlier release live again by the same flip, with the environment and the processes that it had.
 * Migrations only add, so it runs on the schema as it is; its release process is never run.
 *
 * @throws BerthError `nothing_deployed`, `release_unknown`, `release_live`, and those of the gate
 */
export async function rollback(
  { settings, app: name, to }: RollbackInput,
  { host, emit, stop }: { host: Host; emit: (event: Event) => void; stop: AbortSignal },
): Promise<RollbackResult> {
  const app = settings.apps[name];
  const say = (text: string) => emit({ type: 'progress', text });
  if (app) await settle(host, app, { say, stop });
  const live = await liveNumber(host, name);
  if (!app || live === null) {
    throw new BerthError('nothing_deployed', `${name} has no release yet`, 'run: berth deploy');
  }
  const { number, processes } = await target(host, name, live, to);
  const cutover: Cutover = { host, app, say, stop, warm: staysWarm(settings, app, host) };
  if (!(await runningNumbers(host, name)).includes(number)) {
    // A third release beside the live and the warm one would ask too much of the memory.
    await retireOthers(cutover, [live]);
    await requireMemory(host, settings, processes);
  }
  await startOrStop(cutover, number, live);
  await pointTo(cutover, number);
  say(`v${number} is live`);
  await retireOthers(cutover, cutover.warm ? [number, live] : [number]);
  return { release: number, from: live };
}

/** A release that does not come up again is not left running. */
async function startOrStop({ host, app, say, stop }: Cutover, number: number, live: number): Promise<void> {
  try {
    await startHealthy(host, app, number, { say, stop });
  } catch (error) {
    await host.run(['systemctl', 'stop', unitOf(app.name, number)]);
    await letIn(host, app.name, live, say);
    throw error;
  }
}

async function target(host: Host, app: string, live: number, to: number | null): Promise<Release> {
  const all = await Promise.all(
    (await releaseNumbers(host, app)).map((number) => readRelease(host, app, number)),
  );
  const good = all.filter((release) => release?.state === 'good') as Release[];
  const found = to === null ? before(good, live) : good.find(({ number }) => number === to);
  if (to === live) {
    throw new BerthError(
      'release_live',
      `v${to} of ${app} is live already`,
      'berth releases shows the others',
    );
  }
  if (found) return found;
  const others = good.filter(({ number }) => number !== live).map(({ number }) => `v${number}`);
  const failed = all.find((release) => release?.number === to)?.failure;
  throw new BerthError(
    'release_unknown',
    `${app} has no good release ${to === null ? `before v${live}` : `v${to}`}${failed ? `: it failed, ${failed}` : ''}`,
    others.length > 0 ? `choose one of: ${others.join(', ')}` : 'there is no other one to go back to',
  );
}

/** What the live release replaced: not merely the number below, which may be one that was rolled back from. */
function before(good: Release[], live: number): Release | undefined {
  const replaced = good.find(({ number }) => number === live)?.replaced;
  return good.find(({ number }) => number === replaced) ?? good.findLast(({ number }) => number < live);
}

export type ReleaseView = Release & { shown: 'live' | 'warm' | 'kept' | 'failed' | 'starting' };

/** Every release that is kept, the newest first, each with what it is just now. */
export async function releases({ app }: { app: string }, { host }: { host: Host }): Promise<ReleaseView[]> {
  const [live, running, numbers] = await Promise.all([
    liveNumber(host, app),
    runningNumbers(host, app),
    releaseNumbers(host, app),
  ]);
  const all = await Promise.all(numbers.map((number) => readRelease(host, app, number)));
  return all
    .filter((release) => release !== null)
    .map((release) => ({ ...release, shown: shownState(release, live, running) }))
    .reverse();
}

function shownState(
  { number, state }: Release,
  live: number | null,
  running: number[],
): ReleaseView['shown'] {
  if (number === live) return 'live';
  if (state !== 'good') return state;
  return running.includes(number) ? 'warm' : 'kept';
}
