import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { file } from './resources/file.ts';
import type { Resource } from './resources/resource.ts';
import type { Settings } from './settings.ts';

const path = '/etc/berth/settings.json';

/** What the machine was last applied with, for what begins on the machine itself: timers, a git push. No secret is in it. */
export function keptSettings(settings: Settings): Resource {
  return file({ path, content: `${JSON.stringify(settings, null, 2)}\n`, mode: 0o600 });
}

/** null: there are none. */
export async function findKeptSettings(host: Host): Promise<Settings | null> {
  return JSON.parse((await host.read(path)) ?? 'null') as Settings | null;
}

/** @throws BerthError `not_applied` */
export async function readKeptSettings(host: Host): Promise<Settings> {
  const settings = await findKeptSettings(host);
  if (settings) return settings;
  throw new BerthError('not_applied', `${path} is not on the machine`, 'run: berth apply');
}
