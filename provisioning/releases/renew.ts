import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { makeRoom, type ReleaseOptions, release } from './release.ts';
import { settle } from './settle.ts';
import { liveRelease, type Release } from './store.ts';

export type RenewInput = {
  settings: Settings;
  app: AppSettings;
  runtime: string;
  by: string;
  reason: string;
};

/**
 * A new release from the live one's slug: for a changed environment, formation, runtime or unit, or by request.
 *
 * @throws BerthError `nothing_deployed`, and those of a release
 */
export async function renew(
  host: Host,
  input: RenewInput,
  options: Omit<ReleaseOptions, 'migrate'>,
): Promise<Release> {
  const { settings, app, ...rest } = input;
  await settle(host, app, options);
  const live = await liveRelease(host, app.name);
  if (!live) throw new BerthError('nothing_deployed', `${app.name} has no release yet`, 'run: berth deploy');
  await makeRoom(host, settings, app, options);
  const { slug, layer, commit } = live;
  return release(host, settings, app, { slug, layer, commit, ...rest }, { ...options, migrate: false });
}
