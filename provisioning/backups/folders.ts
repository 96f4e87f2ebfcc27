import { rename } from 'node:fs/promises';
import type { Host } from '../host.ts';
import type { AppSettings } from '../settings.ts';
import { feed } from './capture.ts';

/**
 * Unpacks an archive of an application's shared folder beside the one that it uses, as the application's own user:
 * what is in it was made by that user, and may hold any name and any symlink.
 *
 * @returns where it stands
 */
export async function unpackShared(host: Host, { name }: AppSettings, archive: string): Promise<string> {
  const beside = `/srv/${name}/shared_restore`;
  await host.remove(beside);
  await host.mkdir(beside, { mode: 0o770, owner: name, group: name });
  const argv = [
    'tar',
    '--extract',
    '--file=-',
    '--strip-components=1',
    '--preserve-permissions',
    '--no-same-owner',
  ];
  await feed(host, argv, archive, { user: name, cwd: beside });
  await host.must(['sync', '--file-system', beside]);
  await host.setAttributes(beside, { mode: 0o770, owner: name, group: name });
  return beside;
}

/** Puts it in its place; the one before is kept, and its name is returned. */
export async function swapShared({ name }: AppSettings, beside: string, time: string): Promise<string> {
  const shared = `/srv/${name}/shared`;
  const kept = `${shared}_before_${time}`;
  await rename(shared, kept);
  await rename(beside, shared);
  return kept;
}

/** Puts the files of `/etc/<app>` back, which root alone may write to. Others there stay. */
export async function restoreConfig(host: Host, archive: string): Promise<void> {
  await feed(
    host,
    ['tar', '--extract', '--file=-', '--directory=/etc', '--preserve-permissions', '--same-owner'],
    archive,
    {},
  );
}
