import type { Settings } from '../settings.ts';
import type { Kind } from './store.ts';

/** How many backups are kept of each sort. */
export type Retention = { daily: number; weekly: number; manual: number; releases: number };

/** As the settings say; of each application's dumps from before a release, the newest five. */
export function retentionOf({ backup: { daily, weekly, manual } }: Settings): Retention {
  return { daily, weekly, manual, releases: 5 };
}

/** What retention looks at; copies off the machine are judged by the same. */
export type Kept = { id: string; sequence: number; kind: Kind; startedAt: string; apps: string[] };

/**
 * The ids that nobody needs any more. Of the nightly ones the newest of each of the last `daily` days and `weekly`
 * weeks that have one are kept; of those made by hand, and of each application's from before a release, the newest.
 * Age is the order in which they were made, never the clock, and the newest of each
 * application stays whatever the settings say: a backup lacks one that failed then.
 */
export function superfluous(all: Kept[], keep: Retention): string[] {
  const newestFirst = all.toSorted((a, b) => b.sequence - a.sequence);
  const nightly = newestFirst.filter(({ kind }) => kind === 'daily');
  const whole = newestFirst.filter(({ kind }) => kind !== 'release');
  const wanted = [
    ...newestOfApps(whole),
    ...newestOfEach(nightly, dayOf, keep.daily),
    ...newestOfEach(nightly, weekOf, keep.weekly),
    ...newestFirst.filter(({ kind }) => kind === 'manual').slice(0, keep.manual),
    ...ofReleases(newestFirst, keep.releases),
  ];
  const ids = new Set(wanted.map(({ id }) => id));
  return newestFirst.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
}

function newestOfApps(newestFirst: Kept[]): Kept[] {
  const apps = new Set(newestFirst.flatMap((one) => one.apps));
  return [...apps].flatMap((app) => newestFirst.find((one) => one.apps.includes(app)) ?? []);
}

function ofReleases(newestFirst: Kept[], count: number): Kept[] {
  const dumps = newestFirst.filter(({ kind }) => kind === 'release');
  const apps = new Set(dumps.flatMap((dump) => dump.apps));
  return [...apps].flatMap((app) => dumps.filter((dump) => dump.apps.includes(app)).slice(0, count));
}

function newestOfEach(newestFirst: Kept[], period: (at: string) => string, count: number): Kept[] {
  const found = new Map<string, Kept>();
  for (const one of newestFirst) {
    const key = period(one.startedAt);
    if (!found.has(key) && found.size < count) found.set(key, one);
  }
  return [...found.values()];
}

const dayOf = (at: string) => at.slice(0, 10);

/** The Monday of its week. */
function weekOf(at: string): string {
  const date = new Date(`${dayOf(at)}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return dayOf(date.toISOString());
}
