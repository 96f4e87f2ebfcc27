import { rename } from 'node:fs/promises';
import type { Host } from '../host.ts';
import type { AppSettings } from '../settings.ts';
import { feed } from './capture.ts';
import { damaged } from './store.ts';

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

/** Gives a folder its name that a kill between the two renames of `swapShared` left without one. */
export async function settleShared(host: Host, { name }: AppSettings): Promise<void> {
  const directory = `/srv/${name}`;
  if (await host.stat(`${directory}/shared`)) return;
  const entries = await host.list(directory);
  const replaced = entries.filter((entry) => /^shared_before_\d{14}$/.test(entry)).sort();
  const next = entries.includes('shared_restore') ? 'shared_restore' : replaced.at(-1);
  if (next !== undefined && replaced.length > 0) await rename(`${directory}/${next}`, `${directory}/shared`);
}

/**
 * Refuses an archive of `/etc/<app>` with anything in it but that folder's files, directories and symlinks: root
 * unpacks it, and a copy may come from a repository that others can write to.
 *
 * @throws BerthError `backup_damaged`
 */
export async function requireConfigAlone(
  host: Host,
  { name }: AppSettings,
  { id, path, archive }: { id: string; path: string; archive: string },
): Promise<void> {
  const list = ['tar', '--list', '--quoting-style=escape', `--file=${path}/${archive}`];
  const lines = async (argv: string[]) => (await host.must(argv)).split('\n').filter(Boolean);
  const members = await lines(list);
  const odd =
    members.find((member) => !`${member}/`.startsWith(`${name}/`) || /(^|\/)\.\.(\/|$)/.test(member)) ??
    (await lines([...list, '--verbose'])).find((line) => !/^[-dl]/.test(line));
  if (odd !== undefined) throw damaged(id, archive, `holds ${JSON.stringify(odd)}`);
}

/** Puts the files of `/etc/<app>` back, which root alone may write to. Others there stay. */
export async function restoreConfig(host: Host, { name }: AppSettings, archive: string): Promise<void> {
  const argv = ['tar', '--extract', '--file=-', '--directory=/etc', '--preserve-permissions', '--same-owner'];
  await feed(host, [...argv, '--', name], archive, {});
}
