import { lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../errors.ts';

export type SlugLinks = {
  /** The application's name, for errors. */
  app: string;
  /** The dependency layer that becomes its `node_modules`. */
  layer: string;
  /** Folders that live in `/srv/<app>/shared`. */
  shared: string[];
};

/** Files by which people keep an otherwise empty folder in git. */
const placeholders = new Set(['.gitignore', '.gitkeep', '.keep']);

/**
 * Completes the source of a slug, in a directory that will stand at `/srv/<app>/slugs/<id>`, with what lives elsewhere:
 * its dependencies and its shared folders, each as a relative symlink.
 *
 * @throws BerthError `shared_in_the_way` where the application brings files of its own to a shared folder,
 * `slug_refused` where it brings its dependencies
 */
export async function linkSlug(directory: string, { app, layer, shared }: SlugLinks): Promise<void> {
  if (await lstat(join(directory, 'node_modules')).catch(() => null)) throw committedModules(app);
  await symlink(`../../layers/${layer}/node_modules`, join(directory, 'node_modules'));
  for (const folder of shared) {
    const files = await filesAt(directory, folder);
    if (files.length > 0) throw inTheWay(app, folder, files);
    const path = join(directory, folder);
    await rm(path, { recursive: true, force: true });
    await mkdir(join(path, '..'), { recursive: true });
    // From the slug up to /srv/<app>, and further by as much as the folder is deep.
    const up = '../'.repeat(folder.split('/').length + 1);
    await symlink(`${up}shared/${folder}`, path);
  }
}

/**
 * A few names of what stands at a folder's place, or above it where a folder would have to be: a symlink there
 * may lead out of the slug, and is never followed.
 */
async function filesAt(directory: string, folder: string): Promise<string[]> {
  const parts = folder.split('/');
  for (const depth of parts.keys()) {
    const path = join(directory, ...parts.slice(0, depth + 1));
    const found = await lstat(path).catch(() => null);
    if (!found) return [];
    if (!found.isDirectory()) return [parts.slice(0, depth + 1).join('/')];
  }
  const entries = await readdir(join(directory, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && !placeholders.has(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .slice(0, 3);
}

function committedModules(app: string): BerthError {
  return new BerthError(
    'slug_refused',
    `apps.${app}: node_modules is committed, and dependencies come from package-lock.json`,
    'git rm -r --cached node_modules, name it in .gitignore, commit and deploy again',
  );
}

function inTheWay(app: string, folder: string, files: string[]): BerthError {
  return new BerthError(
    'shared_in_the_way',
    `apps.${app}.shared: the application brings files of its own to ${folder}: ${files.join(', ')}`,
    `take them out of the commit, or take ${folder} out of shared`,
  );
}
