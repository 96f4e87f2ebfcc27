import { directory, file, noOthers } from './resources/file.ts';
import { type Resource, type Risk, risky, staying } from './resources/resource.ts';
import { group, locked, member, user } from './resources/user.ts';
import type { Settings } from './settings.ts';
import { render } from './template.ts';

/** The one user that people and Berth log in as, what lets it in and what makes it root; root itself is let in nowhere. */
export function administrator({ admin }: Settings): Resource[] {
  const { user: name, keys } = admin;
  const home = `/home/${name}`;
  const own = { owner: name, group: name };
  const sudoers = `/etc/sudoers.d/berth-${name}`;
  const authorized = `${home}/.ssh/authorized_keys`;
  const guarded = (paths: string[], resource: Resource) =>
    risky({ paths, restore: [] } satisfies Risk, resource);
  return [
    // Who takes Berth away must still get in, and be root, afterwards.
    ...staying(`the user ${name}, with its keys and its sudo`, [
      group(name),
      user({ name, home, system: false }),
      member(name, 'sudo'),
      guarded(
        [sudoers],
        file({
          path: sudoers,
          content: render('provisioning/files/sudoers', { user: name }),
          mode: 0o440,
          proof: ['visudo', '--check', '--quiet', '--file', '{}'],
        }),
      ),
      guarded(['/etc/sudoers.d/*'], noOthers('/etc/sudoers.d', /^berth-/, [`berth-${name}`])),
      guarded([home], directory({ path: home, mode: 0o750, ...own })),
      guarded([`${home}/.ssh`], directory({ path: `${home}/.ssh`, mode: 0o700, ...own })),
      guarded(
        [authorized],
        file({ path: authorized, content: keys.map((key) => `${key}\n`).join(''), mode: 0o600, ...own }),
      ),
    ]),
    ...staying("root's locked password", [guarded(['/etc/shadow'], locked('root'))]),
  ];
}
