import { createHmac, timingSafeEqual } from 'node:crypto';
import { actionOf, type Change } from './change.ts';
import type { Planned } from './engine.ts';
import { BerthError } from './errors.ts';
import type { Action } from './events.ts';
import type { Host } from './host.ts';
import { hostKeys } from './host-keys.ts';
import { planKey } from './plan-key.ts';
import type { Settings, SiteSecrets } from './settings.ts';

/**
 * What `berth plan --out` writes down: names and digests, nothing of a content. The digests are made with a key that
 * only this machine has, so that nobody who reads the file can try out what a short secret may be.
 */
export type SealedPlan = {
  format: 1;
  /** The hosts file's name. */
  host: string;
  by: string;
  /** ISO 8601, UTC. */
  at: string;
  /** Fingerprints of the machine's SSH host keys, as OpenSSH prints them. */
  hostKeys: string[];
  code: string;
  runtime: string;
  /** The digest of each setting, by its name. */
  settings: Record<string, string>;
  /** What differs, in the site's order, with the digest of its changes. */
  resources: { id: string; action: Action; digest: string }[];
  /** The digest of all of the above. */
  seal: string;
};

export type PlanInput = {
  settings: Settings;
  secrets?: SiteSecrets;
  code: string;
  runtime: string;
  web: string;
  by: string;
};

const shown = 12;

export async function sealPlan(host: Host, input: PlanInput, planned: Planned[]): Promise<SealedPlan> {
  const { settings, code, runtime, by } = input;
  const key = await planKey(host);
  const body: Omit<SealedPlan, 'seal'> = {
    ...{ format: 1, host: settings.name, by, at: new Date().toISOString() },
    ...{ hostKeys: await hostKeys(host), code, runtime },
    settings: settingDigests(key, settings),
    resources: resourceDigests(key, planned),
  };
  return { ...body, seal: digest(key, 'plan', body) };
}

/**
 * Refuses a plan that is not of this machine, these settings and this code.
 *
 * @throws BerthError `plan_stale`, `plan_invalid`
 */
export async function requireSamePlan(host: Host, plan: SealedPlan, input: PlanInput): Promise<void> {
  const keys = await hostKeys(host);
  if (keys.join() !== plan.hostKeys.join()) {
    throw stale([`the machine's host key: ${plan.hostKeys.join(', ')} then, ${keys.join(', ')} now`]);
  }
  const key = await planKey(host);
  const { seal, ...body } = plan;
  if (!same(seal, digest(key, 'plan', body))) throw altered();
  const moved = [
    ...(plan.code === input.code ? [] : ["Berth's own code"]),
    ...(plan.runtime === input.runtime ? [] : ['its Node and pm2']),
    ...differing(plan.settings, settingDigests(key, input.settings)).map((name) => `the setting ${name}`),
  ];
  if (moved.length > 0) throw stale(moved);
}

/**
 * Refuses a machine on which something else differs than the plan says.
 *
 * @throws BerthError `plan_stale`
 */
export async function requireSameChanges(host: Host, plan: SealedPlan, planned: Planned[]): Promise<void> {
  const now = resourceDigests(await planKey(host), planned);
  const [then, found] = [plan.resources, now].map(
    (all) => new Map(all.map(({ id, digest }) => [id, digest])),
  ) as [Map<string, string>, Map<string, string>];
  const moved = [
    ...plan.resources.filter(({ id }) => !found.has(id)).map(({ id }) => `${id}: no longer differs`),
    ...now.filter(({ id }) => !then.has(id)).map(({ id }) => `${id}: differs since`),
    ...now
      .filter(({ id, digest }) => then.has(id) && then.get(id) !== digest)
      .map(({ id }) => `${id}: differs in another way`),
  ];
  if (moved.length > 0) throw stale(moved);
}

function resourceDigests(key: Buffer, planned: Planned[]): SealedPlan['resources'] {
  const meant = planned.filter(({ resource }) => !resource.incidental);
  return meant.map(({ resource: { id }, changes }) => ({
    id,
    action: actionOf(changes[0] as Change),
    digest: digest(key, `resource ${id}`, changes.map(lasting)),
  }));
}

/** A change without what was made up for this plan alone. */
function lasting(change: Change): unknown {
  if (change.do !== 'write' || change.lasting === undefined) return change;
  const { lasting: content, ...rest } = change;
  return { ...rest, content };
}

function settingDigests(key: Buffer, settings: Settings): Record<string, string> {
  const { apps, ...rest } = settings;
  const all = [
    ...Object.entries(rest),
    ...Object.entries(apps).flatMap(([app, its]) =>
      Object.entries(its).map(([name, value]) => [`apps.${app}.${name}`, value] as const),
    ),
  ];
  return Object.fromEntries(all.map(([name, value]) => [name, digest(key, `setting ${name}`, value)]));
}

function differing(one: Record<string, string>, other: Record<string, string>): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]).sort();
}

function digest(key: Buffer, what: string, value: unknown): string {
  return createHmac('sha256', key)
    .update(`${what}\0${canonical(value)}`)
    .digest('hex');
}

/** JSON with the keys of every object in order: equal values are equal texts. */
function canonical(value: unknown): string {
  const ordered = (_: string, each: unknown) =>
    each && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each;
  return JSON.stringify(value, ordered) ?? 'undefined';
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function stale(moved: string[]): BerthError {
  const more = moved.length > shown ? [`and ${moved.length - shown} more`] : [];
  return new BerthError(
    'plan_stale',
    [
      'the plan is not what would be done now, nothing of it was done:',
      ...moved.slice(0, shown),
      ...more,
    ].join('\n  '),
    'make another one: berth plan --out <file>',
  );
}

function altered(): BerthError {
  return new BerthError(
    'plan_invalid',
    'the plan was altered since this machine made it, or the machine has forgotten its key for plans',
    'make another one: berth plan --out <file>',
  );
}
