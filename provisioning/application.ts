import { environmentParts } from './environment.ts';
import { unitFiles } from './releases/units.ts';
import { environment } from './resources/environment.ts';
import { directory, file } from './resources/file.ts';
import type { Resource } from './resources/resource.ts';
import { sharedFolder } from './resources/shared-folder.ts';
import { group, member, user } from './resources/user.ts';
import { type RootSandbox, rootUnit } from './root-unit.ts';
import type { AppSettings } from './settings.ts';
import { render } from './template.ts';

/** The group that nginx runs in and that every application's sockets have. */
export const webGroup = 'berth-web';

/** What a login shell runs: the one source of the environment is the file that systemd reads too. */
export function readEnvironment({ name }: AppSettings): string {
  return `if [ -r /etc/${name}/env ]; then set -a; . /etc/${name}/env; set +a; fi`;
}

/** What an application has on the machine besides its database and its part of nginx. */
export function application(app: AppSettings, adminUser: string): Resource[] {
  const { name } = app;
  const readable = { mode: 0o750, owner: 'root', group: name };
  const tmpfiles = `/etc/tmpfiles.d/${name}.conf`;
  return [
    group(name),
    user({ name, home: `/var/lib/${name}`, system: true, owns: `/srv/${name}/shared` }),
    member(adminUser, name),
    directory({ path: `/var/lib/${name}`, ...readable, holds: 'ours' }),
    file({
      path: `/var/lib/${name}/.profile`,
      content: `${readEnvironment(app)}\n`,
      mode: 0o640,
      owner: 'root',
      group: name,
    }),
    directory({ path: `/etc/${name}`, ...readable, holds: 'ours' }),
    environment({ name, ...environmentParts(app) }),
    directory({ path: `/srv/${name}`, ...readable }),
    ...['releases', 'slugs', 'layers'].map((part) =>
      directory({ path: `/srv/${name}/${part}`, ...readable, holds: 'ours' }),
    ),
    directory({ path: `/srv/${name}/incoming`, mode: 0o700, holds: 'ours' }),
    directory({ path: `/srv/${name}/shared`, mode: 0o770, owner: name, group: name, holds: 'data' }),
    ...app.shared.map((folder) => sharedFolder(name, folder)),
    file({ path: tmpfiles, content: render('systemd/tmpfiles.conf', { app: name }) }),
    directory({ path: `/run/${name}`, holds: 'ours' }),
    directory({ path: `/run/${name}/sockets`, mode: 0o2710, owner: name, group: webGroup }),
    ...['@', '-workers', '-release@'].map((part) =>
      directory({ path: `/etc/systemd/system/${name}${part}.service.d` }),
    ),
    ...Object.entries(unitFiles(app)).map(([path, content]) => file({ path, content })),
    file({
      path: `/etc/systemd/system/${name}.service`,
      content: rootUnit('systemd/app.service', starter(name), { app: name }),
    }),
  ];
}

/** What brings back the live release's part of /etc, points nginx to its socket and asks systemd to start it. */
function starter(name: string): RootSandbox {
  return {
    writable: [`/etc/${name}`, `/run/${name}`, '/srv'],
    capabilities: ['CAP_CHOWN', 'CAP_DAC_OVERRIDE'],
  };
}
