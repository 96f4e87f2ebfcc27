import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  type StdioOptions,
  spawn,
} from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { lchown, mkdir, open, readdir, rename, rm, symlink } from 'node:fs/promises';
import { arch, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { BerthError } from './errors.ts';
import { createFacts, type Facts } from './facts.ts';

/** Everything that the machine's side reads from, writes to and runs on the machine goes through here. */
export type Host = {
  readonly arch: string;
  readonly memoryMiB: number;
  /** What was asked of the machine once; dropped by every change. */
  facts: Facts;
  forget(): void;
  /** A regular file's text; null where there is none. A symlink is never followed. */
  read(path: string): Promise<string | null>;
  /** A regular file's text from a byte offset on; empty where there is none. */
  readFrom(path: string, offset: number): Promise<string>;
  stat(path: string): Promise<Stat | null>;
  list(path: string): Promise<string[]>;
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Like `run`, and anything but exit code 0 is a BerthError `command_failed`. */
  must(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** Starts a program and leaves its streams to the caller: for what is too large to hold, or a conversation. */
  spawn(argv: readonly string[], options: SpawnOptions): Promise<ChildProcess>;
  /** Replaces a file in one step, with its final mode and owner from the first moment. */
  write(path: string, content: string, attributes: Attributes): Promise<void>;
  mkdir(path: string, attributes: Attributes): Promise<void>;
  setAttributes(path: string, attributes: Attributes): Promise<void>;
  /** Replaces a symlink in one step. */
  link(path: string, target: string): Promise<void>;
  /** Whatever is there, if anything: a directory with all in it but other file systems. */
  remove(path: string): Promise<void>;
};

export type Attributes = { mode: number; owner: string; group: string };

export type Stat = Attributes & {
  type: 'file' | 'directory' | 'symlink' | 'other';
  size: number;
  /** A symlink's target as written. */
  target?: string;
};

export type RunOptions = {
  input?: string;
  /** Added to a small fixed environment. */
  env?: Record<string, string>;
  /** A user's name; root's where left out. */
  user?: string;
  cwd?: string;
  timeoutMs?: number;
  /** Called with each line of standard output and standard error as it comes. */
  onLine?: (line: string) => void;
};

export type SpawnOptions = Pick<RunOptions, 'env' | 'user' | 'cwd' | 'timeoutMs'> & { stdio: StdioOptions };

export type Finished = { code: number; stdout: string; stderr: string };

export function createHost(): Host {
  const host: Host = {
    arch: arch(),
    memoryMiB: Math.floor(totalmem() / 1024 ** 2),
    facts: undefined as unknown as Facts,
    forget: () => {
      host.facts = createFacts(host);
    },
    read: async (path) => readBytes(path, 0)?.toString() ?? null,
    readFrom: async (path, offset) => readBytes(path, offset)?.toString() ?? '',
    stat: (path) => stat(host, path),
    list: (path) => readdir(path).catch(nothing([])),
    run: (argv, options) => run(host, argv, options),
    must: (argv, options) => must(host, argv, options),
    spawn: (argv, options) => start(host, argv, options),
    write: (path, content, attributes) => write(host, path, content, attributes),
    mkdir: (path, attributes) => makeDirectory(host, path, attributes),
    setAttributes: (path, attributes) => setAttributes(host, path, attributes),
    link,
    remove: (path) => remove(host, path),
  };
  host.forget();
  return host;
}

const absent = new Set(['ENOENT', 'ENOTDIR']);

/** A handler that turns "no such file" into a value and lets the rest rise. */
function nothing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (absent.has(error.code ?? '')) return value;
    throw error;
  };
}

/**
 * Here and in `stat` at once, not by libuv's threads: the hundreds of small files that a converged apply looks at are in
 * memory, and what hands each call to a thread and back takes longer than the call.
 */
function readBytes(path: string, offset: number): Buffer | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (absent.has(code ?? '') || code === 'ELOOP') return null;
    throw error;
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) return null;
    // Files of /proc say that they hold nothing.
    if (offset === 0) return readFileSync(file);
    const buffer = Buffer.alloc(Math.max(0, found.size - offset));
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(file);
  }
}

function look(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    return nothing(null)(error as NodeJS.ErrnoException);
  }
}

async function stat(host: Host, path: string): Promise<Stat | null> {
  const found = look(path);
  if (!found) return null;
  const [users, groups] = await Promise.all([host.facts.users(), host.facts.groups()]);
  const type = found.isFile()
    ? 'file'
    : found.isDirectory()
      ? 'directory'
      : found.isSymbolicLink()
        ? 'symlink'
        : 'other';
  return {
    type,
    mode: found.mode & 0o7777,
    owner: users.find((user) => user.uid === found.uid)?.name ?? String(found.uid),
    group: groups.find((group) => group.gid === found.gid)?.name ?? String(found.gid),
    size: found.size,
    ...(type === 'symlink' ? { target: readlinkSync(path) } : {}),
  };
}

async function ids(
  host: Host,
  { owner, group }: { owner: string; group: string },
): Promise<[number, number]> {
  const [users, groups] = await Promise.all([host.facts.users(), host.facts.groups()]);
  const uid = users.find((user) => user.name === owner)?.uid;
  const gid = groups.find((candidate) => candidate.name === group)?.gid;
  if (uid === undefined)
    throw new BerthError('unknown_user', `there is no user ${owner}`, 'run: berth apply');
  if (gid === undefined)
    throw new BerthError('unknown_group', `there is no group ${group}`, 'run: berth apply');
  return [uid, gid];
}

function besides(path: string): string {
  // An ending that logrotate, sudo, nginx and systemd all skip, should a kill leave it behind.
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.swp`);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await directory.sync().finally(() => directory.close());
}

async function write(host: Host, path: string, content: string, attributes: Attributes): Promise<void> {
  const [uid, gid] = await ids(host, attributes);
  const temporary = besides(path);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.chown(uid, gid);
    await file.chmod(attributes.mode);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  if (look(path)?.isDirectory()) await remove(host, path);
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

async function makeDirectory(host: Host, path: string, attributes: Attributes): Promise<void> {
  await ids(host, attributes);
  await mkdir(path, { mode: 0o700 });
  await setAttributes(host, path, attributes);
}

async function setAttributes(host: Host, path: string, attributes: Attributes): Promise<void> {
  const [uid, gid] = await ids(host, attributes);
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    // In this order: chown clears the setgid bit that chmod sets.
    await file.chown(uid, gid);
    await file.chmod(attributes.mode);
  } finally {
    await file.close();
  }
}

async function link(path: string, target: string): Promise<void> {
  const temporary = besides(path);
  await symlink(target, temporary);
  await lchown(temporary, 0, 0);
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/**
 * Directories by rm(1), which goes down by open directories: a tree may hold paths longer than PATH_MAX, and one whose
 * owner puts a symlink in place of a folder meanwhile leads it nowhere else.
 */
async function remove(host: Host, path: string): Promise<void> {
  if (look(path)?.isDirectory()) await must(host, ['rm', '-rf', '--one-file-system', '--', path]);
  else await rm(path, { force: true });
}

const baseEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
};

async function start(host: Host, argv: readonly string[], options: SpawnOptions): Promise<ChildProcess> {
  const [program, ...args] = argv;
  const identity = options.user ? await identityOf(host, options.user) : { home: '/root' };
  const child = spawn(program as string, args, {
    cwd: options.cwd ?? '/',
    env: { ...baseEnvironment, HOME: identity.home, ...options.env },
    stdio: options.stdio,
    ...('uid' in identity ? { uid: identity.uid, gid: identity.gid } : {}),
    ...(options.timeoutMs ? { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const } : {}),
  });
  // Rejects for a program that is not there; nothing that it says can have come by then.
  await once(child, 'spawn');
  return child;
}

async function run(host: Host, argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'pipe'];
  const child = (await start(host, argv, { ...options, stdio })) as ChildProcessWithoutNullStreams;
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      let partial = '';
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
        if (!options.onLine) return;
        const lines = (partial + text).split(/[\r\n]+/);
        partial = lines.pop() ?? '';
        lines.filter(Boolean).forEach(options.onLine);
      });
    }
    child.on('error', reject);
    // A program that ends without reading its input breaks the pipe; its exit code tells the rest.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('close', (code, signal) => {
      const stderr = signal ? `${output.stderr}ended by ${signal}` : output.stderr;
      resolve({ code: code ?? 128, stdout: output.stdout, stderr });
    });
  });
}

async function identityOf(host: Host, name: string): Promise<{ home: string; uid: number; gid: number }> {
  const user = (await host.facts.users()).find((candidate) => candidate.name === name);
  if (!user) throw new BerthError('unknown_user', `there is no user ${name}`, 'run: berth apply');
  return user;
}

async function must(host: Host, argv: readonly string[], options?: RunOptions): Promise<string> {
  const finished = await run(host, argv, options).catch((error: NodeJS.ErrnoException) => {
    throw new BerthError(
      'command_failed',
      `${argv[0]} could not be started: ${error.message}`,
      'see the cause',
      {
        cause: error,
      },
    );
  });
  if (finished.code === 0) return finished.stdout;
  const tail = `${finished.stdout}\n${finished.stderr}`.trim().split('\n').slice(-12).join('\n');
  throw new BerthError(
    'command_failed',
    `${argv.join(' ')} ended with exit code ${finished.code}:\n${tail}`,
    'mend what the program says on the machine (berth ssh), then run the same command again',
  );
}
