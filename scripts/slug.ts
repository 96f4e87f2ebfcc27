import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
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
import { parseManifest, processesOf } from '../provisioning/releases/procfile.ts';
import { linkSlug } from '../provisioning/releases/slug-links.ts';
import { runBuild } from './build.ts';
import { inScratch, install, kept, writeManifests } from './bundle.ts';
import { type AppSource, exportSource, readSource } from './source.ts';

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
  cache: string;
  target: Target;
  source: AppSource;
  /** Told what the build says, line by line. */
  onLine: (line: string) => void;
};

/**
 * Builds the slug of an application, or finds it in the cache: same inputs, same id. Only what `git archive` would
 * export is in it (`export-ignore`), and what its build makes of that; with production dependencies for the target's
 * platform. Nothing but its build and what that depends on runs on this computer.
 *
 * @throws BerthError `lock_missing`, `procfile_invalid`, `packages_unavailable`, `build_failed`, `shared_in_the_way`
 */
export async function buildSlug({ cache, target, source: of, onLine }: SlugOptions): Promise<Slug> {
  const manifests = await readManifests(of);
  const manifest = parseManifest(manifests['package.json'] ?? null);
  // What has nothing to run is known before npm is asked for anything.
  processesOf(await readSource(of, 'Procfile'), manifest);
  const layer = layerId(manifests, target);
  const dependencies = await kept(cache, `layer-${layer}.tgz`, (file) =>
    buildLayer(manifests, cache, target, file),
  );
  const parts = { cache, of, layer, manifests, onLine };
  const source = await archive(await (manifest.scripts.build ? builtSource(parts) : plainSource(parts)));
  const id = slugId(await entriesOf(source.path));
  return { id, layer, commit: of.commit, source, dependencies: await archive(dependencies) };
}

type Parts = {
  cache: string;
  of: AppSource;
  layer: string;
  manifests: Manifests;
  onLine: (line: string) => void;
};

function plainSource({ cache, of, layer }: Parts): Promise<string> {
  const name = `source-${shortHash([of.tree, layer, ...of.shared].join('\n'))}.tgz`;
  return kept(cache, name, (file) =>
    inScratch(cache, async (scratch) => {
      const into = await exported(of, scratch);
      await linkSlug(into, { app: of.name, layer, shared: of.shared });
      await pack(into, file);
    }),
  );
}

/** A build is kept under what it was made of, so a commit that changes nothing of that builds nothing. */
async function builtSource({ cache, of, layer, manifests, onLine }: Parts): Promise<string> {
  const unbuilt = await kept(cache, `export-${shortHash(of.tree)}.tgz`, (file) =>
    inScratch(cache, async (scratch) => pack(await exported(of, scratch), file)),
  );
  const { digest } = await archive(unbuilt);
  return kept(cache, `built-${shortHash([digest, layer, ...of.shared].join('\n'))}.tgz`, (file) =>
    inScratch(cache, async (scratch) => {
      const into = await exported(of, scratch);
      await runBuild(into, manifests, { app: of.name, onLine });
      await linkSlug(into, { app: of.name, layer, shared: of.shared });
      await pack(into, file);
    }),
  );
}

async function exported(of: AppSource, scratch: string): Promise<string> {
  const [plain, into] = [join(scratch, 'source.tar'), join(scratch, 'source')];
  await exportSource(of, plain);
  await mkdir(into);
  await extract({ file: plain, cwd: into });
  return into;
}

async function pack(from: string, file: string): Promise<void> {
  const files = (await readdir(from, { recursive: true })).sort();
  const same = { portable: true, mtime: new Date(0), noDirRecurse: true };
  await create({ file, cwd: from, gzip: true, ...same }, files);
}

/** @throws BerthError `lock_missing` */
async function readManifests(of: AppSource): Promise<Manifests> {
  const lock = await readSource(of, 'package-lock.json');
  if (lock === null) throw await lockMissing(of);
  const files = orUnusable(of, () => manifestFiles(lock));
  const texts = await Promise.all(files.map(async (path) => [path, await readSource(of, path)] as const));
  return Object.fromEntries(texts.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** A merge that nobody settled leaves one that npm cannot read either. */
function orUnusable<T>(of: AppSource, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new BerthError(
      'lock_missing',
      `apps.${of.name}: ${posix.join(of.path, 'package-lock.json')} of ${of.commit} is not JSON`,
      'npm install mends it; commit it',
      { cause },
    );
  }
}

async function lockMissing(of: AppSource): Promise<BerthError> {
  const others = await Promise.all(['yarn.lock', 'pnpm-lock.yaml'].map((file) => readSource(of, file)));
  const other = others.some((text) => text !== null) ? '; Berth installs with npm alone' : '';
  return new BerthError(
    'lock_missing',
    `apps.${of.name}: ${of.commit} has no ${posix.join(of.path, 'package-lock.json')}${other}`,
    'npm install makes it; commit it, so that every deploy installs the same',
  );
}

async function buildLayer(manifests: Manifests, cache: string, target: Target, file: string): Promise<void> {
  await inScratch(cache, async (scratch) => {
    await writeManifests(scratch, manifests);
    await install(scratch, target, ['--workspaces=false']);
    // An application without dependencies has none to link to otherwise.
    await mkdir(join(scratch, 'node_modules'), { recursive: true });
    await create({ file, cwd: scratch, gzip: true, portable: true }, ['node_modules']);
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
