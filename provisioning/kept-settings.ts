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

/** @throws BerthError `not_applied` */
export async function readKeptSettings(host: Host): Promise<Settings> {
  const text = await host.read(path);
  if (text !== null) return JSON.parse(text) as Settings;
  throw new BerthError('not_applied', `${path} is not on the machine`, 'run: berth apply');
}
