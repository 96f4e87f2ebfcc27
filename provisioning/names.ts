import { begunApps } from './applied.ts';
import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { repositoryPath } from './push/repository.ts';
import { foreignInCluster } from './resources/postgresql.ts';
import type { AdminSettings, AppSettings, Settings } from './settings.ts';

/**
 * An application's name becomes a user, a group, units, directories and a database: none of them may be the system's
 * or a person's, whose files a later `berth remove` would take for Berth's.
 *
 * @throws BerthError `name_taken`
 */
export async function requireNames(host: Host, { admin, apps }: Settings): Promise<void> {
  const begun = await begunApps(host);
  for (const app of Object.values(apps)) {
    const taken =
      (await takenAlways(host, app.name)) ??
      (begun.has(app.name) ? null : await takenAtFirst(host, app, admin));
    if (taken === null) continue;
    throw new BerthError(
      'name_taken',
      `the machine has ${taken} already, which the application ${app.name} would need for itself`,
      'give the application another name in the hosts file (apps.<name>), or move away what is there',
    );
  }
}

/** What no apply of ours makes. */
async function takenAlways(host: Host, name: string): Promise<string | null> {
  const [users, groups] = await Promise.all([host.facts.users(), host.facts.groups()]);
  const vendor = [`${name}.service`, `${name}@.service`].map((unit) => `/usr/lib/systemd/system/${unit}`);
  const units = await Promise.all(
    vendor.map(async (path) => ((await host.stat(path)) ? [`the unit ${path}`] : [])),
  );
  const others = users.filter((user) => user.name === name && user.home !== `/var/lib/${name}`);
  const system = groups.filter((group) => group.name === name && group.gid < 100);
  const [taken] = [
    ...units.flat(),
    ...others.map(() => `a user ${name}`),
    ...system.map(() => `a group ${name}`),
  ];
  return taken ?? null;
}

/** What an apply of ours makes too, where none has begun with this application yet. */
async function takenAtFirst(host: Host, app: AppSettings, admin: AdminSettings): Promise<string | null> {
  const { name } = app;
  const directories = [
    ...['releases', 'slugs', 'layers', 'incoming', 'shared'].map((part) => `/srv/${name}/${part}`),
    `/etc/${name}`,
    `/var/lib/${name}`,
    ...(app.push === 'none' ? [] : [repositoryPath(admin, name)]),
  ];
  for (const path of directories) {
    if ((await host.list(path)).length === 0) continue;
    if (path.endsWith('/shared') && (await keptByRemove(host, path, name))) continue;
    return `files in ${path}`;
  }
  return app.database === 'local' ? foreignInCluster(host, name) : null;
}

/** A remove leaves it to the application's own user, whose home is gone. */
async function keptByRemove(host: Host, path: string, name: string): Promise<boolean> {
  const [users, found] = await Promise.all([host.facts.users(), host.stat(path)]);
  return (
    found?.owner === name && users.some((user) => user.name === name && user.home === `/var/lib/${name}`)
  );
}
