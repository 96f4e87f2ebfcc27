import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create, extract, list } from 'tar';
import { BerthError } from '../provisioning/errors.ts';
import {
  layerId,
  type Manifests,
  manifestFiles,
  type SlugEntry,
  slugId,
  type Target,
} from '../provisioning/releases/identity.ts';
import { inScratch, install, kept } from './bundle.ts';
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
  source: Source;
};

/** What a slug is made of, whatever happens to the checkout meanwhile. */
export type Source = {
  /** A git tree. */
  tree: string;
  /** As `Slug.commit`. */
  commit: string;
};

export type SourceOptions = {
  /** Take the working tree as it is instead of the last commit. */
  dirty: boolean;
  /** A commit, tag or branch to take instead of the last commit, whatever the working tree looks like. */
  ref: string | undefined;
};

/**
 * Builds the slug of a source, or finds it in the cache: same inputs, same id. Only what `git archive` would
 * export is in it (`export-ignore`), with production dependencies for the target's platform.
 */
export async function buildSlug({ root, cache, target, source: of }: SlugOptions): Promise<Slug> {
  const { tree, commit } = of;
  const manifests = await readManifests(root, tree);
  const layer = layerId(manifests, target);
  const dependencies = await kept(cache, `layer-${layer}.tgz`, (file) =>
    buildLayer(manifests, cache, target, file),
  );
  const name = `source-${shortHash(`${tree}\n${layer}`)}.tgz`;
  const source = await archive(await kept(cache, name, (file) => exportTree(root, cache, tree, layer, file)));
  const id = slugId(await entriesOf(source.path));
  return { id, layer, commit, source, dependencies: await archive(dependencies) };
}

/**
 * What is to be deployed of the checkout `root`: its last commit, another one, or its working tree.
 *
 * @throws BerthError `not_a_checkout`, `unknown_ref`, `dirty_tree`
 */
export async function chooseSource(root: string, { dirty, ref }: SourceOptions): Promise<Source> {
  const { commit, tree } = await resolveCommit(root, 'HEAD').catch((cause) => {
    throw new BerthError(
      'not_a_checkout',
      `${root} is not a git checkout with a commit`,
      'clone the repository with git, or commit first',
      { cause },
    );
  });
  if (ref !== undefined) return resolveCommit(root, ref);
  const changed = await changedFiles(root);
  if (changed.length === 0) return { tree, commit };
  if (dirty) return { tree: await dirtyTree(root), commit: `${commit}-dirty` };
  throw new BerthError(
    'dirty_tree',
    `the working tree differs from the commit ${commit}: ${changed.slice(0, 5).join(', ')}`,
    'commit the changes, or deploy them as they are with --dirty',
  );
}

/** @throws BerthError `unknown_ref` */
async function resolveCommit(root: string, ref: string): Promise<Source> {
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

/** Path → text of the files that say what npm is to install, as they are in the tree. */
async function readManifests(root: string, tree: string): Promise<Manifests> {
  const blobs = await Promise.all(
    manifestFiles.map((file) => run(['git', '-C', root, 'cat-file', 'blob', `${tree}:${file}`])),
  );
  return Object.fromEntries(
    manifestFiles.flatMap((file, index) => (blobs[index]?.code === 0 ? [[file, blobs[index].stdout]] : [])),
  );
}

async function buildLayer(manifests: Manifests, cache: string, target: Target, file: string): Promise<void> {
  await inScratch(cache, async (scratch) => {
    for (const [path, text] of Object.entries(manifests)) {
      await mkdir(dirname(join(scratch, path)), { recursive: true });
      await writeFile(join(scratch, path), text);
    }
    await install(scratch, target, ['--workspaces=false']);
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

async function entriesOf(file: string): Promise<SlugEntry[]> {
  const entries: Promise<SlugEntry>[] = [];
  const kinds: Record<string, SlugEntry['kind']> = { Directory: 'directory', SymbolicLink: 'symlink' };
  await list({
    file,
    onReadEntry(entry) {
      const kind = kinds[entry.type] ?? 'file';
      const path = entry.path.replace(/\/$/, '');
      const executable = ((entry.mode ?? 0) & 0o100) !== 0;
      const content =
        kind === 'file' ? entry.collect().then(digestOf) : Promise.resolve(entry.linkpath ?? '');
      entries.push(content.then((text) => ({ path, kind, executable, content: text })));
    },
  });
  return Promise.all(entries);
}

function digestOf(chunks: Buffer[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

async function archive(path: string): Promise<Archive> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { path, digest: hash.digest('hex') };
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
