import type { Stat } from '../host.ts';
import { sharedPath } from '../releases/store.ts';
import { inTheWay } from './file.ts';
import type { Resource } from './resource.ts';

/**
 * A folder that outlives an application's releases. What lies above it is the application's to write, so it is made
 * as the application's user: root would follow a symlink that was put there.
 */
export function sharedFolder(app: string, folder: string): Resource<Stat | null> {
  const path = sharedPath(app, folder);
  return {
    id: `shared folder ${path}`,
    check: (host) => host.stat(path),
    plan(stat) {
      if (stat?.type === 'directory') return [];
      if (stat) throw inTheWay(path, stat);
      return [{ do: 'run', argv: ['mkdir', '-p', '-m', '0770', '--', path], user: app, action: 'add' }];
    },
    // What lies above it says what becomes of it.
    inverse: () => ({}),
  };
}
