import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';
import { lastLines, run } from '../../process.ts';
import type { Report } from '../../report.ts';
import { writeAtomic } from '../atomic.ts';
import { confined } from './confined.ts';
import { withLock } from './lock.ts';
import { availableMemoryMiB } from './memory.ts';
import { checkMirror, mirrorUnreachable } from './mirror.ts';
import { buildArgv, fingerprint, type ImageName, type Recipe, recipeFor } from './recipe.ts';
import { lockFile } from './runtime.ts';
import { readSurroundings } from './surroundings.ts';

type Progress = { detail(text: string): void; signal: AbortSignal | undefined };

/** A build takes some 500 MiB; from here on that is nothing that anybody would miss. */
const roomyMiB = 4096;

const partialPrefix = '.building-';

/**
 * The tar of the image, built if this checkout has none of this recipe yet. Two processes at once build it once.
 * Throws BerthError `mirror_unreachable`, `image_build_failed`.
 */
export async function ensureImage(
  image: ImageName,
  directory: string,
  report: Report,
  signal?: AbortSignal,
): Promise<string> {
  const surroundings = await readSurroundings();
  const recipe = recipeFor(image, surroundings);
  const tar = join(directory, `${image}-${fingerprint(recipe)}.tar`);
  if (exists(tar)) return tar;
  if (surroundings.mirror !== undefined) await checkMirror(surroundings.mirror.main, recipe.suite);
  await report.step(`builds the image ${image}, once`, (detail) =>
    withLock(
      lockFile(directory),
      async () => {
        if (!exists(tar)) await build(image, recipe, tar, { detail, signal });
      },
      { signal, onWait: () => detail('another berth is building an image; waiting for it') },
    ),
  );
  return tar;
}

async function build(image: ImageName, recipe: Recipe, tar: string, progress: Progress): Promise<void> {
  const directory = dirname(tar);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  // Whoever made these is dead, for we have the lock, and took its children along (see confined.ts).
  await removeAll(directory, (name) => name.startsWith(partialPrefix));
  const work = mkdtempSync(join(directory, partialPrefix));
  try {
    const partial = join(work, 'image.tar');
    await bootstrap(recipe, work, partial, progress);
    syncToDisk(partial);
    renameSync(partial, tar);
    await removeAll(directory, (name) => name.startsWith(`${image}-`) && join(directory, name) !== tar);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function bootstrap(
  recipe: Recipe,
  work: string,
  target: string,
  { detail, signal }: Progress,
): Promise<void> {
  const seed = join(work, 'seed');
  for (const [path, text] of Object.entries(recipe.files)) {
    writeAtomic(join(seed, path), text, 0o644);
  }
  const scratch = join(work, 'scratch');
  mkdirSync(scratch);
  const argv = buildArgv(recipe, target);
  const result = await run(confined(availableMemoryMiB() < roomyMiB ? argv : inMemory(argv)), {
    input: recipe.sources.map((line) => `${line}\n`).join(''),
    signal,
    env: { BERTH_SEED: seed, TMPDIR: scratch, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
    onLine: (line) => {
      // Not what our own hooks look like.
      if (line.startsWith('I: ') && !line.includes('-hook')) detail(line.slice(3));
    },
  });
  if (result.code !== 0) throw buildFailure(recipe.suite, result.stderr);
}

/** A third faster than on a disk. The mount is in the build's own namespace and ends with it; without it, a disk will do. */
function inMemory(argv: string[]): string[] {
  return ['sh', '-c', 'mount -t tmpfs -o mode=0755,size=3g tmpfs "$TMPDIR" || :; exec "$@"', 'sh', ...argv];
}

/** mmdebstrap says everything on standard error. */
export function buildFailure(suite: string, output: string): BerthError {
  const fetching = output
    .split('\n')
    .filter((line) =>
      /^(E|Err:\d+|W): ?.*(Failed to fetch|Could not|Temporary failure|Unable to connect)/.test(line),
    );
  if (fetching.length > 0) return mirrorUnreachable(suite, lastLines(fetching.join('\n'), 3));
  return new BerthError(
    'image_build_failed',
    `the ${suite} image could not be built:\n${lastLines(output, 15)}`,
    'run the same berth command again once the cause is gone; nothing half-built is kept',
  );
}

function syncToDisk(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

async function removeAll(directory: string, matches: (name: string) => boolean): Promise<void> {
  for (const name of readdirSync(directory).filter(matches)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
