import { basename, dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readApplied, readUnfinished } from './applied.ts';
import { type Planned, type Run, survey, view } from './engine.ts';
import { BerthError } from './errors.ts';
import type { Action, Event } from './events.ts';
import { historyPath } from './history.ts';
import type { Host } from './host.ts';
import { readKeptSettings } from './kept-settings.ts';
import { holder } from './runs.ts';
import { siteFor } from './site-for.ts';

/** What was changed by hand since the last apply, `/var/lib/berth/drift.json`; names, nothing of a content. */
export type Drift = {
  /** When it was looked for, and of when the last apply is; ISO 8601, UTC. */
  at: string;
  since: string;
  resources: { resource: string; action: Action; changes: string[] }[];
};

/** As `berth status` shows it. */
export type DriftStatus = {
  /** `unfinished`: an apply has not ended well, so that nobody can tell; `unknown`: there was none yet. */
  state: 'none' | 'found' | 'unfinished' | 'unknown';
  since: string | null;
  at: string | null;
  resources: string[];
};

type Context = Pick<Run, 'host' | 'emit' | 'stop'>;

const path = '/var/lib/berth/drift.json';
/** The directory of this code, under /opt/berth/sources. */
const thisCode = basename(dirname(import.meta.dirname));

/** Looks for what was changed by hand, and writes it down for `berth status`. As `findDrift`. */
export async function drift(input: { waitMs: number }, context: Context): Promise<Drift> {
  const report = await findDrift(input, context);
  const own = { mode: 0o600, owner: 'root', group: 'root' };
  await context.host.write(path, `${JSON.stringify(report)}\n`, own);
  return report;
}

/**
 * Plans the settings that the machine keeps by the code that it keeps: whatever differs, somebody changed by hand. Left
 * out is what comes with time (a certificate to be renewed) or waits for a command (a release). It says what a plan says.
 *
 * @throws BerthError `not_applied`, `apply_unfinished`, `locked`
 */
export async function findDrift({ waitMs }: { waitMs: number }, context: Context): Promise<Drift> {
  const { host, emit } = context;
  const deadline = Date.now() + waitMs;
  for (;;) {
    await untilFree(context, deadline);
    const began = await runsSoFar(host);
    const applied = await requireApplied(host);
    if (applied.code !== thisCode) return byKeptCode(applied, { waitMs }, context);
    const settings = await readKeptSettings(host);
    const found = await look(host, { ...applied, settings });
    // What a run has changed meanwhile nobody's hand has.
    if ((await runsSoFar(host)) !== began) continue;
    const views = await Promise.all(found.map((planned) => view(host, planned)));
    for (const each of views) emit(each);
    const resources = views.map(({ resource, action, changes }) => {
      return { resource, action, changes: changes.map(({ summary }) => summary) };
    });
    return { at: new Date().toISOString(), since: applied.at, resources };
  }
}

export async function driftStatus(host: Host): Promise<DriftStatus> {
  const [applied, unfinished, text] = await Promise.all([
    readApplied(host),
    readUnfinished(host),
    host.read(path),
  ]);
  if (unfinished) return { state: 'unfinished', since: unfinished.at, at: null, resources: [] };
  if (!applied) return { state: 'unknown', since: null, at: null, resources: [] };
  const last = JSON.parse(text ?? 'null') as Drift | null;
  // An apply looks at everything, and nothing differs at its end.
  if (!last || last.since !== applied.at) {
    return { state: 'none', since: applied.at, at: applied.at, resources: [] };
  }
  const resources = last.resources.map(({ resource }) => resource);
  return { state: resources.length > 0 ? 'found' : 'none', since: last.since, at: last.at, resources };
}

type Kept = Parameters<typeof siteFor>[1];

async function look(host: Host, kept: Kept): Promise<Planned[]> {
  const resources = await siteFor(host, kept);
  const ask = async () => (await survey({ host, emit: () => {} }, resources)).flatMap(byHand);
  const found = await ask();
  if (found.length === 0) return found;
  // An upgrade that is under way shows services down and packages half there: its lock is waited for.
  await host.run(['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=600', 'check']);
  host.forget();
  return ask();
}

/** Pure: what of it tells of a hand. */
export function byHand({ resource, changes }: Planned): Planned[] {
  const left = resource.byHand?.(changes) ?? changes;
  return resource.incidental || left.length === 0 ? [] : [{ resource, changes: left }];
}

async function untilFree({ host, stop }: Context, deadline: number): Promise<void> {
  for (;;) {
    host.forget();
    const held = await holder(undefined, { host });
    if (!held) return;
    if (stop.aborted || Date.now() >= deadline) {
      throw new BerthError(
        'locked',
        `the ${held.verb} of ${held.by} changes the machine just now`,
        'wait until it is done, then run the same command again',
      );
    }
    await wait(1000);
  }
}

/** Each run adds to the history when it begins. */
async function runsSoFar(host: Host): Promise<number> {
  return (await host.stat(historyPath))?.size ?? 0;
}

async function requireApplied(host: Host) {
  const [applied, unfinished] = await Promise.all([readApplied(host), readUnfinished(host)]);
  if (unfinished) {
    const { verb, by, at } = unfinished;
    throw new BerthError(
      'apply_unfinished',
      `the ${verb} that ${by} began at ${at} has not ended well: what differs may be its rest`,
      `run: berth ${verb}`,
    );
  }
  if (applied) return applied;
  throw new BerthError('not_applied', 'no apply has ended well on this machine yet', 'run: berth apply');
}

/** Another checkout may have sent another code, which would plan another site. */
async function byKeptCode(
  { code, runtime }: { code: string; runtime: string },
  input: { waitMs: number },
  { host, emit }: Context,
): Promise<Drift> {
  const argv = [`/opt/berth/runtime/${runtime}/bin/node`, `/opt/berth/sources/${code}/provisioning/main.ts`];
  let result: Extract<Event, { type: 'result' }> | undefined;
  const onLine = (line: string) => {
    if (!line.startsWith('{')) return;
    const event = JSON.parse(line) as Event;
    if (event.type === 'result') result = event;
    else emit(event);
  };
  const request = `${JSON.stringify({ verb: 'drift', input })}\n`;
  const env = { NODE_COMPILE_CACHE: '/var/cache/berth' };
  const { stderr } = await host.run(argv, { input: request, onLine, env }).catch(() => ({ stderr: '' }));
  if (result?.ok) return result.value as Drift;
  if (result && result.error.code !== 'bad_request') {
    throw new BerthError(result.error.code, result.error.message, result.error.hint);
  }
  throw new BerthError(
    'not_applied',
    `the code of the last apply cannot look for what was changed by hand. ${stderr.trim()}`.trim(),
    'run: berth apply',
  );
}
