import { begunApps, markUnfinished, readUnfinished } from './applied.ts';
import { withBackupLock } from './backups/lock.ts';
import { apply, type Planned, plan, type Run, survey } from './engine.ts';
import type { ApplySummary, Event } from './events.ts';
import { settleEarlier } from './guard/earlier.ts';
import type { Host } from './host.ts';
import { findKeptSettings } from './kept-settings.ts';
import { gone } from './resources/file.ts';
import type { Goal, Resource } from './resources/resource.ts';
import type { Settings } from './settings.ts';
import { siteFor } from './site-for.ts';

export type RemovalInput = {
  /** The hosts file's; what the machine was applied with counts where it is known. */
  settings: Settings;
  code: string;
  runtime: string;
  web: string;
  by: string;
  /** Data goes too: databases, shared folders, backups. */
  purge: boolean;
};

/** `left`: what stays, in a few words each. */
export type Removed = ApplySummary & { left: string[] };
/** `restic`: copies of the backups are elsewhere; `applied`: there is something to back up. */
export type Preview = Removed & { applied: boolean; restic: boolean };

/** What a site comes to when Berth goes; each resource says its own part (`Resource.inverse`). */
export function removal(site: Resource[], options: { purge: boolean }) {
  const inverses = site.map((resource) => resource.inverse(options));
  const goals = inverses.flatMap(({ goal }) => goal ?? []);
  const last = inverses.flatMap((inverse) => inverse.last ?? []);
  return {
    /** Backwards, so that what something rests on goes after it. */
    goals: [...goals.toReversed(), ...last],
    /** What the removal itself runs from and writes to. */
    end: [
      ...inverses.flatMap((inverse) => inverse.end ?? []).toReversed(),
      stamps,
      ...['/var/cache/berth', '/run/berth'].map(gone),
    ],
    stays: [...new Set(inverses.flatMap(({ stays }) => stays ?? []))],
  };
}

/** Says what `remove` would do, as a plan does. */
export async function previewRemoval(input: RemovalInput, run: Pick<Run, 'host' | 'emit'>): Promise<Preview> {
  const { host } = run;
  const { goals, stays } = await removalOf(host, input);
  const quiet = { host, emit: (event: Event) => event.type !== 'notice' && run.emit(event) };
  const kept = await findKeptSettings(host);
  const restic = kept !== null && kept.backup.restic !== null;
  return { ...(await plan(quiet, goals)), left: stays, applied: kept !== null, restic };
}

/** Takes everything away but what it runs from itself; interrupted, it goes on the next time. */
export async function remove(input: RemovalInput, run: Run): Promise<Removed> {
  const { host, emit, stop } = run;
  const say = (text: string) => emit({ type: 'progress', text });
  await host.run(['mkdir', '-p', '-m', '0755', '/run/berth', '/var/cache/berth']);
  await settleEarlier(host, input.by, run);
  const { goals, stays, settings } = await removalOf(host, input);
  const review = async (planned: Planned[]) => {
    if (planned.length > 0) await markUnfinished(host, 'remove', input.by, settings);
  };
  const what = `the removal by ${input.by}`;
  const summary = await withBackupLock(host, { what, waitMs: 0, say, stop }, () =>
    apply({ ...run, emit: (event) => event.type !== 'notice' && emit(event), review }, goals),
  );
  return { ...summary, left: [...stays, ...(await notices(host, goals))] };
}

/** The end of it: the code that runs here, what Berth remembers, and what guards risky changes. */
export async function forget(input: RemovalInput, run: Run): Promise<ApplySummary> {
  const { end } = await removalOf(run.host, input);
  await settleEarlier(run.host, input.by, run);
  const summary = await apply(run, end);
  await run.host.must(['systemctl', 'daemon-reload']);
  return summary;
}

/** What the machine was applied with, else the hosts file's. `began`: an apply has. */
export async function removedSettings(host: Host, { settings }: Pick<RemovalInput, 'settings'>) {
  const [kept, unfinished, begun] = await Promise.all([
    findKeptSettings(host),
    readUnfinished(host),
    begunApps(host),
  ]);
  return {
    settings: kept ?? unfinished?.settings ?? onlyApps(settings, begun),
    began: kept !== null || unfinished !== null,
  };
}

async function removalOf(host: Host, input: RemovalInput) {
  const { settings, began } = await removedSettings(host, input);
  const all = removal(await siteFor(host, { ...input, settings }), input);
  // Where no apply has begun, what has the same name is somebody else's.
  return { ...all, settings, ...(began ? {} : { goals: [], stays: [] }) };
}

/** What another application of the hosts file would have is not Berth's until an apply has begun with it. */
function onlyApps(settings: Settings, begun: Set<string>): Settings {
  const apps = Object.entries(settings.apps).filter(([name]) => begun.has(name));
  return { ...settings, apps: Object.fromEntries(apps) };
}

/** What there is to say once nothing differs any more. */
async function notices(host: Host, goals: Goal[]): Promise<string[]> {
  const said: string[] = [];
  await survey({ host, emit: (event) => event.type === 'notice' && said.push(event.text) }, goals);
  return said;
}

const timers = '/var/lib/systemd/timers';

/** When its timers were last due, as systemd remembers it. */
const stamps: Goal<string[]> = {
  id: 'stamps of timers',
  check: async (host) => (await host.list(timers)).filter((name) => name.startsWith('stamp-berth-')),
  plan: (names) => names.map((name) => ({ do: 'remove', path: `${timers}/${name}` })),
};
