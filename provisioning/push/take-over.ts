import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, mkdir, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { SlugEntry } from '../releases/identity.ts';
import { render } from '../template.ts';
import { confined } from './confined.ts';
import { requireDisk } from './disk.ts';
import { guard } from './guard.ts';
import { propertiesOf } from './sandbox.ts';

const limits = { entries: 200_000, MiB: 4096, pathBytes: 2000, seconds: 300 };

export type TakeOver = {
  app: string;
  /** The tar file. */
  archive: string;
  into: string;
  stop: AbortSignal;
};

/**
 * Unpacks a tar file that nobody vouches for into a new directory, as files of root. What stands there afterwards is
 * directories, files and symlinks that stay inside, nothing else; anything else refuses the whole.
 *
 * @throws BerthError `slug_refused`, `disk_short`, `stopped`
 */
export async function takeOver(host: Host, wanted: TakeOver): Promise<void> {
  const { archive, into } = wanted;
  await host.remove(into);
  await mkdir(into, { mode: 0o755 });
  try {
    await requireDisk((await lstat(archive)).size);
    await requireFew(host, wanted);
    await tar(host, wanted, ['-x', '--no-same-owner', '--no-same-permissions', '--no-xattrs', '-C', into]);
    await inspect(into);
  } catch (error) {
    await host.remove(into);
    throw error;
  }
}

/** Before anything is unpacked: many small files take longer to remove than to pack, and a path may be too long to open. */
async function requireFew(host: Host, wanted: TakeOver): Promise<void> {
  let entries = 0;
  let longest = 0;
  await tar(host, wanted, ['-t', '--quoting-style=escape'], (line) => {
    entries += 1;
    longest = Math.max(longest, Buffer.byteLength(line));
  });
  if (entries > limits.entries) throw refused(`it has more than ${limits.entries} files`);
  if (longest > limits.pathBytes) throw refused(`it has a path of more than ${limits.pathBytes} bytes`);
}

async function tar(
  host: Host,
  { app, archive, into, stop }: TakeOver,
  what: string[],
  onOutput?: (line: string) => void,
): Promise<void> {
  const unit = `berth-take-over-${app}.service`;
  const conf = render('systemd/take-over.conf', { into, maxMiB: limits.MiB, maxSeconds: limits.seconds });
  const properties = [...propertiesOf(conf), 'BindsTo=berth-run.service', 'After=berth-run.service'];
  const argv = [
    ...['systemd-run', '--quiet', '--pipe', '--wait', '--collect', '--service-type=exec', `--unit=${unit}`],
    ...properties.map((property) => `--property=${property}`),
    ...['--', 'tar', ...what, '-f', '-'],
  ];
  const said: string[] = [];
  const onLine = (line: string) => void (said.length < 5 && said.push(line));
  const guarded = guard(host, unit, stop);
  const streams = { input: archive, onLine, ...(onOutput ? { onOutput } : {}) };
  const code = await confined(host, argv, streams).finally(guarded.end);
  const reason = guarded.reason();
  if (reason) throw reason;
  if (code !== 0) throw refused(`tar refuses it: ${said.join('\n')}`);
}

async function inspect(root: string): Promise<void> {
  let entries = 0;
  let bytes = 0;
  for await (const path of walk(root)) {
    const found = await lstat(join(root, path));
    if (found.isSymbolicLink()) requireInside(path, await readlink(join(root, path)));
    else requirePlain(path, found);
    entries += 1;
    bytes += found.isFile() ? found.size : 0;
    if (entries > limits.entries) throw refused(`it has more than ${limits.entries} files`);
    if (bytes > limits.MiB * 1024 ** 2) throw refused(`it is larger than ${limits.MiB} MiB`);
  }
}

function requirePlain(path: string, found: Stats): void {
  if (!found.isDirectory() && !found.isFile()) throw refused(`${path} is a special file`);
  if (found.mode & 0o7000) throw refused(`${path} has a set-user-id, set-group-id or sticky bit`);
  if (found.isFile() && found.nlink !== 1) throw refused(`${path} is a hard link`);
}

/**
 * A target may go up only at its beginning, where `..` is the link's own folder whatever other links there are, and
 * no further than to the top.
 */
export function requireInside(path: string, target: string): void {
  const parts = target.split('/');
  const ups = parts.findIndex((part) => part !== '..');
  const climbsLater = ups >= 0 && parts.slice(ups).includes('..');
  const depth = path.split('/').length - 1;
  const climbs = ups < 0 ? parts.length : ups;
  if (target !== '' && !target.startsWith('/') && !climbsLater && climbs <= depth) return;
  throw refused(`the symlink ${path} leads out of the application, to ${target}`);
}

/** What a directory holds, as a slug is named by it. */
export async function entriesOf(root: string): Promise<SlugEntry[]> {
  const entries: SlugEntry[] = [];
  for await (const path of walk(root)) {
    const full = join(root, path);
    const found = await lstat(full);
    const executable = (found.mode & 0o100) !== 0;
    if (found.isDirectory()) entries.push({ path, kind: 'directory', executable, content: '' });
    else if (found.isSymbolicLink())
      entries.push({ path, kind: 'symlink', executable, content: await readlink(full) });
    else entries.push({ path, kind: 'file', executable, content: await digestOf(full) });
  }
  return entries;
}

/** Every path below a directory, relative to it, without following a symlink. */
async function* walk(root: string, below = ''): AsyncGenerator<string> {
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = posix.join(below, entry.name);
    yield path;
    if (entry.isDirectory()) yield* walk(root, path);
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function refused(why: string): BerthError {
  return new BerthError(
    'slug_refused',
    `what was built is not taken over: ${why}`,
    'take it out of the commit or of what the build script makes, and push again',
  );
}
