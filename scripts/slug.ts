import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create, extract } from 'tar';
import { BerthError } from '../provisioning/errors.ts';
import { inScratch, install, kept, type Target } from './bundle.ts';
import { run, runChecked } from './process.ts';

/** What a deploy sends: the source and, apart from it since it seldom changes, the dependencies. */
export type Slug = {
  id: string;
  layer: string;
  /** A short commit, with `-dirty` for a tree that is not committed. */
  commit: string;
  source: Archive;
  dependencies: Archive;
};

export type Archive = { path: string; digest: string };

export type SlugOptions = {
  root: string;
  cache: string;
  target: Target;
  /** Take the working tree as it is instead of the last commit. */
  dirty: boolean;
};

/**
 * Builds the slug of this checkout, or finds it in the cache: same inputs, same id. Only what `git archive` would
 * export is in it (`export-ignore`), with production dependencies for the target's platform.
 *
 * @throws BerthError `not_a_checkout`, `dirty_tree`
 */
export async function buildSlug({ root, cache, target, dirty }: SlugOptions): Promise<Slug> {
  const { tree, commit } = await sourceOf(root, dirty);
  const layer = await layerId(root, target);
  const dependencies = await kept(cache, `layer-${layer}.tgz`, (file) =>
    buildLayer(root, cache, target, file),
  );
  const name = `source-${shortHash(`${tree}\n${layer}`)}.tgz`;
  const source = await archive(await kept(cache, name, (file) => exportTree(root, cache, tree, layer, file)));
  // Named by what is in it: a commit that changes nothing of the application is the same slug.
  const id = source.digest.slice(0, 16);
  return { id, layer, commit, source, dependencies: await archive(dependencies) };
}

async function sourceOf(root: string, dirty: boolean): Promise<{ tree: string; commit: string }> {
  const head = await run(['git', '-C', root, 'show', '--no-patch', '--format=%h %T', 'HEAD']);
  if (head.code !== 0) {
    throw new BerthError(
      'not_a_checkout',
      `${root} is not a git checkout with a commit`,
      'clone the repository with git, or commit first',
    );
  }
  const [commit = '', tree = ''] = head.stdout.trim().split(' ');
  const changed = await changedFiles(root);
  if (changed.length === 0) return { tree, commit };
  if (dirty) return { tree: await dirtyTree(root), commit: `${commit}-dirty` };
  throw new BerthError(
    'dirty_tree',
    `the working tree differs from the commit ${commit}: ${changed.slice(0, 5).join(', ')}`,
    'commit the changes, or deploy them as they are with --dirty',
  );
}

/** What differs from the last commit and would be in a slug: neither ignored by git nor marked export-ignore. */
async function changedFiles(root: string): Promise<string[]> {
  const git = async (argv: string[], input = '') =>
    (await runChecked(['git', '-C', root, ...argv], { input })).stdout;
  const status = await git(['status', '--porcelain', '-z', '--no-renames', '--untracked-files=all']);
  const files = status
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(3));
  const attributes = await git(
    ['check-attr', '--stdin', '-z', 'export-ignore'],
    files.flatMap(withFolders).join('\0'),
  );
  const ignored = new Set(
    inThrees(attributes)
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

async function layerId(root: string, { os, cpu, libc }: Target): Promise<string> {
  const files = await Promise.all(
    ['package.json', 'package-lock.json'].map((file) => readFile(join(root, file), 'utf8')),
  );
  return shortHash([os, cpu, libc, ...files].join('\n'));
}

async function buildLayer(root: string, cache: string, target: Target, file: string): Promise<void> {
  await inScratch(cache, async (scratch) => {
    await install(root, scratch, target, ['--workspaces=false']);
    // An application without dependencies has none to link to otherwise.
    await mkdir(join(scratch, 'node_modules'), { recursive: true });
    await create({ file, cwd: scratch, gzip: true, portable: true }, ['node_modules']);
  });
}

async function exportTree(
  root: string,
  cache: string,
  tree: string,
  layer: string,
  file: string,
): Promise<void> {
  await inScratch(cache, async (scratch) => {
    const [plain, into] = [join(scratch, 'source.tar'), join(scratch, 'source')];
    await runChecked(['git', '-C', root, 'archive', '--format=tar', `--output=${plain}`, tree]);
    await mkdir(into);
    await extract({ file: plain, cwd: into });
    await symlink(`../../layers/${layer}/node_modules`, join(into, 'node_modules'));
    const files = (await readdir(into, { recursive: true })).sort();
    const same = { portable: true, mtime: new Date(0), noDirRecurse: true };
    await create({ file, cwd: into, gzip: true, ...same }, files);
  });
}

async function archive(path: string): Promise<Archive> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { path, digest: hash.digest('hex') };
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
