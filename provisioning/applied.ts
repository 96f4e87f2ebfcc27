import type { Host } from './host.ts';
import { findKeptSettings } from './kept-settings.ts';
import type { Settings } from './settings.ts';

/** The last apply that ended well, with the code, the runtime and the pages that it brought; what differs since was changed by hand. */
export type Applied = {
  /** ISO 8601, UTC. */
  at: string;
  by: string;
  /** Directories under /opt/berth/sources, runtime and web. */
  code: string;
  runtime: string;
  web: string;
};

/** A run that began to change the machine as a whole and has not ended well, at least not yet. */
export type Unfinished = {
  verb: 'apply' | 'remove';
  at: string;
  by: string;
  /** It ended well but for risky changes, which nobody has confirmed yet. */
  toConfirm?: Omit<Applied, 'at'>;
  /** Of a remove: what the machine was applied with, since its own copy goes early. */
  settings?: Settings;
};

const paths = {
  applied: '/var/lib/berth/applied.json',
  apps: '/var/lib/berth/apps.json',
  unfinished: '/var/lib/berth/unfinished.json',
};
const own = { mode: 0o600, owner: 'root', group: 'root' };

export async function readApplied(host: Host): Promise<Applied | null> {
  return JSON.parse((await host.read(paths.applied)) ?? 'null') as Applied | null;
}

export async function readUnfinished(host: Host): Promise<Unfinished | null> {
  return JSON.parse((await host.read(paths.unfinished)) ?? 'null') as Unfinished | null;
}

/** Applications that an apply has begun to make, also those that the hosts file names no more: what they have is Berth's. */
export async function begunApps(host: Host): Promise<Set<string>> {
  const listed = await host.read(paths.apps);
  if (listed !== null) return new Set(JSON.parse(listed) as string[]);
  // Of a machine that was applied before there was such a list.
  const [kept, unfinished] = await Promise.all([findKeptSettings(host), readUnfinished(host)]);
  return new Set(Object.keys({ ...kept?.apps, ...unfinished?.settings?.apps }));
}

/** Before the first change: an apply that is cut short finds its own again. */
export async function markBegun(host: Host, apps: string[]): Promise<void> {
  const all = [...new Set([...(await begunApps(host)), ...apps])].sort();
  await host.write(paths.apps, `${JSON.stringify(all)}\n`, own);
}

/** Before the first change: until `markApplied`, what differs may be its rest. */
export async function markUnfinished(
  host: Host,
  verb: Unfinished['verb'],
  by: string,
  settings?: Settings,
): Promise<void> {
  const unfinished: Unfinished = { verb, at: new Date().toISOString(), by, ...(settings && { settings }) };
  await host.write(paths.unfinished, `${JSON.stringify(unfinished)}\n`, own);
}

export async function markToConfirm(
  host: Host,
  { by, code, runtime, web }: Omit<Applied, 'at'>,
): Promise<void> {
  const toConfirm = { by, code, runtime, web };
  const unfinished: Unfinished = { verb: 'apply', at: new Date().toISOString(), by, toConfirm };
  await host.write(paths.unfinished, `${JSON.stringify(unfinished)}\n`, own);
}

/** Risky changes stay: the apply that made them has ended well. */
export async function confirmedApplied(host: Host): Promise<void> {
  const { toConfirm } = (await readUnfinished(host)) ?? {};
  if (toConfirm) await markApplied(host, toConfirm);
}

export async function markApplied(
  host: Host,
  { by, code, runtime, web }: Omit<Applied, 'at'>,
): Promise<void> {
  const applied: Applied = { at: new Date().toISOString(), by, code, runtime, web };
  await host.write(paths.applied, `${JSON.stringify(applied)}\n`, own);
  await host.remove(paths.unfinished);
}
