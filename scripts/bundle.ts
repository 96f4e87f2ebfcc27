import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { BerthError } from '../provisioning/errors.ts';
import { type Manifests, manifestFiles, type Target } from '../provisioning/releases/identity.ts';
import { lastLines, run } from './process.ts';

/** A directory to be unpacked on a machine: named by what is in it, so that it is sent once. */
export type Bundle = {
  id: string;
  /** The .tgz on this computer, made where it is missing. */
  archive(): Promise<string>;
};

const hashLength = 16;

/**
 * The machine's side of Berth: `provisioning/`, `systemd/` and `nginx/`, without hosts files and tests, and package.json,
 * which tells Node what they are: without it each file is parsed once more to find out.
 */
export async function codeBundle(root: string, cache: string): Promise<Bundle> {
  const parts = ['provisioning', 'systemd', 'nginx'].map((part) => filesOf(root, part));
  const files = ['package.json', ...(await Promise.all(parts)).flat()].sort();
  const id = await idOf(root, files);
  return {
    id,
    archive: () =>
      kept(cache, `code-${id}.tgz`, (file) => create({ file, cwd: root, gzip: true, portable: true }, files)),
  };
}

/** The pages that nginx serves: named by their sources and the packages that they are built of and by. */
export async function webBundle(root: string, cache: string): Promise<Bundle> {
  const parts = ['web/client', 'web/documentation', 'web/pages'].map((part) => filesOf(root, part));
  const files = (await Promise.all(parts)).flat().filter((file) => !file.endsWith('.d.ts'));
  const id = await idOf(root, ['web/build.ts', ...files.sort()], await lockedPackages(root, 'web'));
  return {
    id,
    archive: () =>
      kept(cache, `web-${id}.tgz`, (file) =>
        inScratch(cache, async (scratch) => {
          const { buildPages } = await import('../web/build.ts');
          for (const [path, content] of await buildPages()) {
            await mkdir(dirname(join(scratch, path)), { recursive: true });
            await writeFile(join(scratch, path), content);
          }
          await create({ file, cwd: scratch, gzip: true, portable: true }, (await readdir(scratch)).sort());
        }),
      ),
  };
}

async function idOf(root: string, files: string[], besides = ''): Promise<string> {
  const hash = createHash('sha256').update(besides);
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(await readFile(join(root, file)))
      .update('\0');
  return hash.digest('hex').slice(0, hashLength);
}

async function filesOf(root: string, part: string): Promise<string[]> {
  const entries = await readdir(join(root, part), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((file) => !file.startsWith('provisioning/hosts/'));
}

/** Node and pm2 as the lock file pins them; the id is the same for every platform. */
export async function runtimeBundle(
  root: string,
  cache: string,
  target: () => Promise<Target>,
): Promise<Bundle> {
  const id = await idOf(root, [], await lockedPackages(root, 'runtime'));
  return {
    id,
    async archive() {
      const platform = await target();
      return kept(cache, `runtime-${id}-${platform.cpu}.tgz`, (file) =>
        buildRuntime(root, cache, platform, file),
      );
    },
  };
}

async function lockedPackages(root: string, workspace: string): Promise<string> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;
  return closure(lock, workspace).join('\n');
}

export type Lock = { packages: Record<string, LockedPackage> };
type LockedPackage = {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

/** Everything that a package of the lock file installs, as sorted `path version integrity` lines. */
export function closure({ packages }: Lock, start: string): string[] {
  const seen = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = resolveLocked(packages, path, name);
      if (found === undefined || seen.has(found)) continue;
      seen.add(found);
      waiting.push(found);
    }
  }
  return [...seen].sort().map((path) => `${path} ${packages[path]?.version} ${packages[path]?.integrity}`);
}

/** As Node looks a package up: in the package's own node_modules, then in each folder above. */
function resolveLocked(packages: Lock['packages'], from: string, name: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate =
      directory === '.' || directory === '' ? `node_modules/${name}` : `${directory}/node_modules/${name}`;
    if (packages[candidate]) return candidate;
    if (directory === '.' || directory === '') return undefined;
  }
}

async function buildRuntime(root: string, cache: string, target: Target, file: string): Promise<void> {
  await inScratch(cache, async (scratch) => {
    const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
    for (const file of manifestFiles(lock)) {
      if (existsSync(join(root, file))) await cp(join(root, file), join(scratch, file));
    }
    await install(scratch, target, ['--workspace=runtime', '--include-workspace-root=false']);
    const node = `node_modules/node-${target.os}-${target.cpu}`;
    // Headers are for building add-ons, which a machine never does.
    await rm(join(scratch, node, 'include'), { recursive: true, force: true });
    await rm(join(scratch, 'node_modules/@berth'), { recursive: true, force: true });
    await mkdir(join(scratch, 'bin'));
    await symlink(`../${node}/bin/node`, join(scratch, 'bin/node'));
    await create({ file, cwd: scratch, gzip: { level: 4 }, portable: true }, ['bin', 'node_modules']);
  });
}

/** `npm ci` for another platform, from the lock file in `into` alone: nothing of a package runs on this computer. */
export async function install(into: string, { os, cpu, libc }: Target, which: string[]): Promise<void> {
  const platform = [`--os=${os}`, `--cpu=${cpu}`, `--libc=${libc}`];
  const flags = ['--ignore-scripts', '--omit=dev', '--no-fund', '--no-audit'];
  const { code, stderr } = await run(['npm', 'ci', ...flags, ...platform, ...which], { cwd: into });
  if (code !== 0) throw npmFailed(stderr);
}

export function npmFailed(stderr: string): BerthError {
  return new BerthError(
    'packages_unavailable',
    `npm could not install the packages of package-lock.json:\n${lastLines(stderr, 6)}`,
    'check that this computer reaches its npm registry (npm ping), then run the same command again',
  );
}

/** Writes manifests, path → text, below a directory. */
export async function writeManifests(into: string, manifests: Manifests): Promise<void> {
  for (const [path, text] of Object.entries(manifests)) {
    await mkdir(dirname(join(into, path)), { recursive: true });
    await writeFile(join(into, path), text);
  }
}

const making = new Map<string, Promise<string>>();

/**
 * A file of the cache, made where it is missing, once for all who ask meanwhile; it is there whole or not at all, and never
 * another afterwards: of two processes that make it side by side, the first one's stays, whose digest may be known by now.
 */
export function kept(cache: string, name: string, make: (file: string) => Promise<unknown>): Promise<string> {
  const path = join(cache, name);
  const made = making.get(path) ?? madeOnce(path, make).finally(() => making.delete(path));
  making.set(path, made);
  return made;
}

async function madeOnce(path: string, make: (file: string) => Promise<unknown>): Promise<string> {
  if (existsSync(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  try {
    await make(partial);
    await link(partial, path).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}

/** A directory of its own for `work`, gone afterwards. */
export async function inScratch<T>(cache: string, work: (scratch: string) => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'scratch-'));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
