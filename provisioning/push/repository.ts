import { basename, dirname, join } from 'node:path';
import { BerthError } from '../errors.ts';
import { directory, file, gone, noOthers } from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import type { AdminSettings, AppSettings } from '../settings.ts';
import { render } from '../template.ts';

/** Where people push an application to: `ssh://deploy@host/~/api`. */
export const repositoryPath = (admin: AdminSettings, app: string) => `/home/${admin.user}/${app}`;

const config = `# Kept by berth apply.
[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[receive]
	denyDeletes = true
	maxInputSize = 1g
[gc]
	auto = 256
`;

/** The bare repository of an application and its hook, which is root's: who may only push cannot change what runs. */
export function repository(admin: AdminSettings, app: AppSettings): Resource[] {
  const path = repositoryPath(admin, app.name);
  const own = { owner: admin.user, group: admin.user };
  const hooks = `${path}/hooks`;
  const { name, push: branch, path: folder } = app;
  return [
    bareRepository(path, admin.user, branch),
    directory({ path, mode: 0o750, ...own }),
    file({ path: `${path}/config`, content: config }),
    directory({ path: hooks }),
    noOthers(hooks, /./, ['pre-receive']),
    file({
      path: `${hooks}/pre-receive`,
      content: render('provisioning/push/pre-receive.sh', { app: name, branch, path: folder }),
      mode: 0o755,
    }),
  ];
}

type RepositoryState = { type: string | null; head: string | null; objects: boolean };

function bareRepository(path: string, user: string, branch: string): Resource<RepositoryState> {
  const head = `ref: refs/heads/${branch}`;
  const run = (...argv: string[]) => ({ do: 'run', argv, user }) as const;
  // Made beside it and renamed: what was killed half way is no repository, and nothing that stands in the way.
  const partial = join(dirname(path), `.${basename(path)}.partial`);
  return {
    id: `repository ${path}`,
    async check(host) {
      const [stat, text, objects] = await Promise.all([
        host.stat(path),
        host.read(`${path}/HEAD`),
        host.stat(`${path}/objects`),
      ]);
      return {
        type: stat?.type ?? null,
        head: text?.trim() ?? null,
        objects: objects?.type === 'directory',
      };
    },
    plan({ type, head: found, objects }) {
      if (type === null) {
        const options = ['--bare', '--quiet', '--template=', `--initial-branch=${branch}`];
        return [
          { ...run('rm', '-rf', '--', partial), action: 'add' },
          run('git', 'init', ...options, partial),
          run('mv', '--no-target-directory', partial, path),
        ];
      }
      if (type !== 'directory' || found === null || !objects) {
        throw new BerthError(
          'path_in_the_way',
          `${path} on the machine is no bare git repository, and git push needs one there`,
          'move it away, or set apps.<app>.push: none, and run the same command again',
        );
      }
      return found === head
        ? []
        : [run('git', '--git-dir', path, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`)];
    },
    inverse: () => ({ goal: gone(path) }),
  };
}
