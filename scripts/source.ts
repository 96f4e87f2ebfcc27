import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import type { AppSettings } from '../provisioning/settings.ts';
import { run, runChecked } from './process.ts';

/** What a command deploys of a checkout, whatever happens to the checkout meanwhile. */
export type Source = Commit & {
  root: string;
  /** The working tree with all that is not ignored, where it was asked for and differs from the commit. */
  working: string | null;
  /** What differs from the commit, as paths. */
  changed: string[];
};

export type Commit = {
  /** A git tree. */
  tree: string;
  /** A short commit. */
  commit: string;
};

export type SourceOptions = {
  /** Take the working tree as it is instead of the last commit. */
  dirty: boolean;
  /** A commit, tag or branch to take instead of the last commit, whatever the working tree looks like. */
  ref: string | undefined;
};

/** One application of a source: the folder that its `path` names, as a git tree of its own. */
export type AppSource = Commit & AppFolder & { root: string };

type AppFolder = Pick<AppSettings, 'name' | 'path' | 'shared'>;

/**
 * What is to be deployed of the checkout `root`: its last commit, another one, or its working tree.
 *
 * @throws BerthError `not_a_checkout`, `unknown_ref`
 */
export async function chooseSource(root: string, { dirty, ref }: SourceOptions): Promise<Source> {
  const head = await resolveCommit(root, 'HEAD').catch((cause) => {
    throw new BerthError(
      'not_a_checkout',
      `${root} is not a git checkout with a commit`,
      'clone the repository with git, or commit first',
      { cause },
    );
  });
  if (ref !== undefined) return { root, ...(await resolveCommit(root, ref)), working: null, changed: [] };
  const changed = await changedFiles(root);
  const working = dirty && changed.length > 0 ? await dirtyTree(root) : null;
  return { root, ...head, working, changed };
}

/**
 * Only what is in the application's own folder makes it dirty. Of the whole checkout that is what would be in a slug,
 * so nothing that is marked export-ignore; such marks above a folder say nothing of the application in it.
 *
 * @throws BerthError `dirty_tree`, `not_an_application`
 */
export async function sourceOfApp(source: Source, app: AppFolder): Promise<AppSource> {
  const { root, working } = source;
  const { name, path, shared } = app;
  const changed = path === '.' ? await exported(root, source.changed) : within(path, source.changed);
  const commit = changed.length === 0 ? source.commit : `${source.commit}-dirty`;
  if (changed.length > 0 && working === null) {
    throw new BerthError(
      'dirty_tree',
      `the working tree differs from the commit ${source.commit}: ${changed.slice(0, 5).join(', ')}`,
      'commit the changes, or deploy them as they are with --dirty',
    );
  }
  const tree = await folderOf(root, changed.length === 0 ? source.tree : (working as string), path);
  const found = { root, name, path, shared, tree, commit };
  if (tree !== '' && (await readSource(found, 'package.json')) !== null) return found;
  throw new BerthError(
    'not_an_application',
    `apps.${name}: ${commit} has no ${path === '.' ? '' : `${path}/`}package.json`,
    `name the folder of the application with apps.${name}.path, and commit its package.json`,
  );
}

/** The text of a file of the application; null where it has none. */
export async function readSource({ root, tree }: AppSource, file: string): Promise<string | null> {
  const { code, stdout } = await run(['git', '-C', root, 'cat-file', 'blob', `${tree}:${file}`]);
  return code === 0 ? stdout : null;
}

/** Writes what `git archive` exports of the application as a tar file. */
export async function exportSource({ root, tree }: AppSource, file: string): Promise<void> {
  await runChecked(['git', '-C', root, 'archive', '--format=tar', `--output=${file}`, tree]);
}

/** @throws BerthError `unknown_ref` */
async function resolveCommit(root: string, ref: string): Promise<Commit> {
  const found = await run([
    ...['git', '-C', root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`],
  ]);
  if (found.code !== 0) {
    throw new BerthError(
      'unknown_ref',
      `${JSON.stringify(ref)} is no commit, tag or branch of this checkout`,
      'see git log --oneline --all; a branch of the remote needs git fetch first, and is named origin/<branch>',
    );
  }
  const shown = await runChecked(['git', '-C', root, 'log', '-1', '--format=%h %T', found.stdout.trim()]);
  const [commit = '', tree = ''] = shown.stdout.trim().split(' ');
  return { commit, tree };
}

/** A folder of a tree as a tree; empty where there is none. */
async function folderOf(root: string, tree: string, path: string): Promise<string> {
  if (path === '.') return tree;
  const argv = ['git', '-C', root, 'rev-parse', '--verify', '--quiet', '--end-of-options'];
  return (await run([...argv, `${tree}:${path}`])).stdout.trim();
}

function within(path: string, files: string[]): string[] {
  return files.filter((file) => file.startsWith(`${path}/`));
}

/** What differs from the last commit and is not ignored by git. */
async function changedFiles(root: string): Promise<string[]> {
  const flags = ['--porcelain', '-z', '--no-renames', '--untracked-files=all'];
  const { stdout } = await runChecked(['git', '-C', root, 'status', ...flags]);
  return stdout
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(3));
}

/** Those that are not marked export-ignore, neither themselves nor a folder above them. */
async function exported(root: string, files: string[]): Promise<string[]> {
  const { stdout } = await runChecked(['git', '-C', root, 'check-attr', '--stdin', '-z', 'export-ignore'], {
    input: files.flatMap(withFolders).join('\0'),
  });
  const ignored = new Set(
    inThrees(stdout)
      .filter(([, , value]) => value === 'set')
      .map(([path]) => path),
  );
  return files.filter((file) => !withFolders(file).some((path) => ignored.has(path)));
}

/** A path and every folder above it: `a/b` and `a`. */
function withFolders(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function inThrees(text: string): string[][] {
  const words = text.split('\0');
  return words.flatMap((_, index) => (index % 3 === 0 ? [words.slice(index, index + 3)] : []));
}

/** The working tree as a git tree, with new files and without ignored ones; the person's index is left alone. */
async function dirtyTree(root: string): Promise<string> {
  const { stdout } = await runChecked(['git', '-C', root, 'rev-parse', '--absolute-git-dir']);
  const env = { GIT_INDEX_FILE: join(stdout.trim(), `berth-index-${process.pid}`) };
  try {
    await runChecked(['git', '-C', root, 'read-tree', 'HEAD'], { env });
    await runChecked(['git', '-C', root, 'add', '--all'], { env });
    return (await runChecked(['git', '-C', root, 'write-tree'], { env })).stdout.trim();
  } finally {
    await run(['rm', '-f', env.GIT_INDEX_FILE]);
  }
}
