import { setTimeout as wait } from 'node:timers/promises';
import { actionOf, type Change, summarize } from './change.ts';
import { unifiedDiff } from './diff.ts';
import { BerthError } from './errors.ts';
import type { ApplySummary, ChangeView, Event, Guarded } from './events.ts';
import type { Guard } from './guard/arm.ts';
import type { Host } from './host.ts';
import type { Goal } from './resources/resource.ts';

export type Run = {
  host: Host;
  emit: (event: Event) => void;
  /** Makes one change on the machine. */
  perform: (change: Change) => Promise<void>;
  /** Aborted when the operator asks to stop: the change in hand is finished first. */
  stop: AbortSignal;
  guard: Guard;
  /** Told all that differs before any of it is shown or changed; throws to refuse it. */
  review?: (planned: Planned[]) => Promise<void>;
};

/** A resource that differs, and what is to be done about it. */
export type Planned = { resource: Goal; changes: Change[] };
type PlannedEvent = Extract<Event, { type: 'planned' }>;

/** Asks every resource, all at once, and says what differs; changes nothing. */
export async function plan(run: Pick<Run, 'host' | 'emit' | 'review'>, site: Goal[]): Promise<ApplySummary> {
  const began = performance.now();
  const planned = await survey(run, site);
  await run.review?.(planned);
  for (const one of planned) run.emit(await view(run.host, one));
  return summary(site, planned, began);
}

/**
 * Brings the machine to what the site says: one resource after another is checked, planned, changed, and
 * checked again. A machine that is already there is only asked, all resources at once. The risky ones come last, as
 * one batch: all of it stays, once it is confirmed, or none.
 *
 * @throws BerthError `not_converged` when a resource still differs after its changes; `stopped` on request
 */
export async function apply(run: Run, site: Goal[]): Promise<ApplySummary> {
  const began = performance.now();
  const ahead = await survey(run, site);
  await run.review?.(ahead);
  const done: Planned[] = [];
  if (ahead.length === 0) return summary(site, done, began);
  await bringAll(
    run,
    site.filter(({ risky }) => !risky),
    done,
  );
  const guarded = await bringGuarded(
    run,
    site.filter(({ risky }) => risky),
    done,
  );
  return { ...summary(site, done, began), ...(guarded && { guarded }) };
}

async function bringAll(
  run: Run,
  resources: Goal[],
  done: Planned[],
  before = async () => {},
): Promise<void> {
  for (const resource of resources) {
    const planned = await planOne(run.host, resource);
    if (planned.changes.length === 0) continue;
    if (run.stop.aborted) throw stopped(resource, done);
    await before();
    await bring(run, planned);
    done.push(planned);
  }
}

async function bringGuarded(run: Run, resources: Goal[], done: Planned[]): Promise<Guarded | undefined> {
  const planned = await Promise.all(resources.map((resource) => planOne(run.host, resource)));
  if (planned.every(({ changes }) => changes.length === 0)) return undefined;
  // All of them: one that is as it shall be may be unsettled by another's change.
  await run.guard.arm(resources.flatMap(({ risky }) => risky ?? []));
  try {
    await bringAll(run, resources, done, () => run.guard.goOn());
    return await run.guard.changed();
  } catch (error) {
    await run.guard.undo();
    throw takenBack(error);
  }
}

/** What differs, every resource asked at once. */
export async function survey({ host, emit }: Pick<Run, 'host' | 'emit'>, site: Goal[]): Promise<Planned[]> {
  const all = await Promise.all(
    site.map(async (resource) => {
      const state = await resource.check(host);
      return { resource, changes: resource.plan(state), notices: resource.notices?.(state) ?? [] };
    }),
  );
  for (const text of all.flatMap(({ notices }) => notices)) emit({ type: 'notice', text });
  return all.filter(({ changes }) => changes.length > 0);
}

async function planOne(host: Host, resource: Goal): Promise<Planned> {
  return { resource, changes: resource.plan(await resource.check(host)) };
}

async function bring(run: Run, planned: Planned): Promise<void> {
  const { resource, changes } = planned;
  const began = performance.now();
  run.emit(await view(run.host, planned));
  run.emit({ type: 'applying', resource: resource.id });
  for (const change of changes) {
    await run.perform(change);
    run.host.forget();
  }
  const left = await settled(run.host, resource);
  if (left.length > 0) {
    throw new BerthError(
      'not_converged',
      `${resource.id} still differs after its changes: ${left.map(summarize).join('; ')}`,
      'see why on the machine (berth ssh), then run the same command again',
    );
  }
  const seconds = (performance.now() - began) / 1000;
  run.emit({ type: 'applied', resource: resource.id, action: actionOf(changes[0] as Change), seconds });
}

/** What still differs, once it no longer changes by itself: a service may need a moment to be seen as it is. */
async function settled(host: Host, resource: Goal): Promise<Change[]> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const { changes } = await planOne(host, resource);
    if (changes.length === 0 || Date.now() > deadline) return changes;
    await wait(50);
    host.forget();
  }
}

/** What a person is shown of it. */
export async function view(host: Host, { resource, changes }: Planned): Promise<PlannedEvent> {
  const views = await Promise.all(changes.map((change) => viewChange(host, change)));
  const action = actionOf(changes[0] as Change);
  const marked = resource.risky ? { risky: true as const } : {};
  return { type: 'planned', resource: resource.id, action, changes: views, ...marked };
}

async function viewChange(host: Host, change: Change): Promise<ChangeView> {
  const view = { summary: summarize(change) };
  if (change.do !== 'write' || change.secret || change.before === change.content) return view;
  return { ...view, diff: await unifiedDiff(host, change.path, change.before, change.content) };
}

function summary(site: Goal[], planned: Planned[], began: number): ApplySummary {
  const count = { add: 0, change: 0, remove: 0 };
  for (const { changes } of planned) count[actionOf(changes[0] as Change)] += 1;
  return { resources: site.length, ...count, seconds: (performance.now() - began) / 1000 };
}

/** What went wrong in the middle of risky changes. */
function takenBack(error: unknown): unknown {
  if (!(error instanceof BerthError)) return error;
  const { code, message, hint } = error;
  const also = 'What this run had changed of logins and the firewall is taken back.';
  return new BerthError(code, `${message}\n${also}`, hint, { cause: error });
}

function stopped(next: Goal, done: Planned[]): BerthError {
  return new BerthError(
    'stopped',
    `stopped on request before ${next.id}, with ${done.length} resources changed`,
    'run the same command again: it goes on from there',
  );
}
