import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { BerthError, messageOf } from '../provisioning/errors.ts';
import { type DevPostgres, startDevPostgres } from './dev-postgres.ts';
import { run, runChecked } from './process.ts';

export type DevOptions = {
  /** The checkout. */
  root: string;
  /** Where the database and the signing key live on: `<stateDirectory>/dev`. */
  stateDirectory: string;
  port: number;
  /** Instead of the embedded PostgreSQL. */
  databaseUrl?: string;
  /** Ends everything; `runDev` then resolves. */
  signal: AbortSignal;
  say(line: string): void;
};

const POLL_MS = 50;
const SERVER = 'api/server.ts';
const WORKER = 'api/worker.ts';

/**
 * Runs the API alone on this computer, without a machine: a PostgreSQL of its own, migrated, and the server and a worker,
 * which start again when a file of theirs changes. Throws BerthError `port_in_use`, `dev_running`, `dev_postgres_missing`,
 * `dev_postgres_failed`, `dev_migration_failed` or `dev_server_failed`.
 */
export async function runDev(options: DevOptions): Promise<void> {
  const { stateDirectory, port, signal } = options;
  const directory = join(stateDirectory, 'dev');
  const pids = join(directory, 'pids');
  await mkdir(directory, { recursive: true });
  await claim(pids);
  await checkPort(port);
  await writeFile(pids, String(process.pid));
  let postgres: DevPostgres | undefined;
  try {
    if (!options.databaseUrl) postgres = await startDevPostgres(join(directory, 'postgres'));
    const env = {
      DATABASE_URL: options.databaseUrl ?? postgres?.url ?? '',
      JWT_KEYS: await signingKey(join(directory, 'jwt-key')),
      // Of this computer alone: whoever shares its network has no business here.
      LISTEN_HOST: 'localhost',
      PORT: String(port),
      SHUTDOWN_DRAIN_MS: '0',
    };
    await migrate(options, env);
    await serve(options, env, pids);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await postgres?.stop();
    await rm(pids);
  }
}

async function checkPort(port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, 'localhost'), 'listening');
  } catch (error) {
    throw new BerthError(
      'port_in_use',
      `port ${port} of this computer is taken: ${messageOf(error)}`,
      'stop what listens there (`ss -ltnp` names it), or choose another port',
      { cause: error },
    );
  } finally {
    probe.close();
  }
}

/**
 * Two runs would stop each other's database, so a file holds the process ids of a run, of its server and of its worker.
 * Of a run that was killed those live on: they are stopped here.
 */
async function claim(file: string): Promise<void> {
  const [owner = 0, ...programs] = (await readFile(file, 'utf8').catch(() => '')).split(' ').map(Number);
  if (owner !== process.pid && isAlive(owner)) {
    throw new BerthError(
      'dev_running',
      `process ${owner} runs the API here already`,
      `stop it; if it is something else, remove ${file}`,
    );
  }
  for (const program of programs) {
    if (await isOurs(program)) process.kill(program, 'SIGTERM');
    while (await isOurs(program)) await setTimeout(POLL_MS);
  }
}

/** By its command line: the number may be someone else's by now, or a zombie's. */
async function isOurs(pid: number): Promise<boolean> {
  const { stdout } = await run(['ps', '-o', 'command=', '-p', String(pid)]);
  return [SERVER, WORKER].some((program) => stdout.includes(program));
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Made once, so that a restart signs nobody out. */
async function signingKey(file: string): Promise<string> {
  const key = `dev:${randomBytes(32).toString('base64url')}`;
  await writeFile(file, key, { mode: 0o600, flag: 'wx' }).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return readFile(file, 'utf8');
}

async function migrate({ root, signal, say }: DevOptions, env: Record<string, string>): Promise<void> {
  const argv = [process.execPath, 'api/migrate.ts'];
  await runChecked(argv, { cwd: root, env, signal, onLine: say }).catch((error) => {
    throw new BerthError(
      'dev_migration_failed',
      messageOf(error),
      'read what it said above; a database of your own has to be running and reachable',
      { cause: error },
    );
  });
}

/** Node starts the server and the worker again whenever a file that they import changes. */
async function serve(
  { root, signal, say }: DevOptions,
  env: Record<string, string>,
  pids: string,
): Promise<void> {
  const programs = [SERVER, WORKER].map((program) =>
    spawn(process.execPath, ['--watch', '--watch-preserve-output', program], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  await writeFile(pids, [process.pid, ...programs.map(({ pid }) => pid)].join(' '));
  for (const { stdout, stderr } of programs)
    for (const stream of [stdout, stderr]) createInterface(stream).on('line', say);
  const gone = new AbortController();
  const stop = () => programs.map((program) => program.kill('SIGTERM'));
  // Neither is of use without the other.
  const exits = programs.map((program) => once(program, 'exit').finally(stop));
  const exit = Promise.all(exits).finally(() => gone.abort());
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await announce(`http://localhost:${env.PORT}/api`, gone.signal, say);
  await exit;
  if (signal.aborted) return;
  throw new BerthError(
    'dev_server_failed',
    'the watcher of the server or of the worker has ended',
    'read what it said above',
  );
}

async function announce(url: string, gone: AbortSignal, say: DevOptions['say']): Promise<void> {
  while (!gone.aborted) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return say(`the API answers at ${url}`);
    await setTimeout(POLL_MS);
  }
}
