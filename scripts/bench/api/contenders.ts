import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** A server under measurement. */
export interface Contender {
  name: string;
  origin: string;
  process: ChildProcess;
}

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../../..');
const cluster = (argv: string[]) => [process.execPath, join(HERE, 'cluster.ts'), ...argv];

/** What follows `node` in the line of the API's Procfile. */
const [, web = ''] = /^web: node (.+)$/m.exec(readFileSync(join(ROOT, 'Procfile'), 'utf8')) ?? [];

/** The programs, as argv; each has two processes and listens on $PORT. */
const programs = {
  floor: cluster([join(HERE, 'floor.ts')]),
  api: cluster(web.split(' ')),
  // Debian's. gunicorn knows $PORT by itself.
  fastapi: [
    '/usr/bin/gunicorn',
    ...['--workers', '2', '--worker-class', 'uvicorn.workers.UvicornWorker'],
    ...['--chdir', join(HERE, 'fastapi'), 'server:app'],
  ],
};

const POLL_MS = 50;
const PATIENCE_MS = 30_000;

/** Starts a program on a free port and resolves once it listens; what it prints goes to a file in `directory`. */
export async function start(
  name: keyof typeof programs,
  env: Record<string, string>,
  directory: string,
): Promise<Contender> {
  const port = await freePort();
  const output = openSync(join(directory, `${name}.log`), 'a');
  const [program = '', ...args] = onTheSameCores(programs[name]);
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...env, PORT: String(port), PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  await listening(port, child);
  return { name, origin: `http://127.0.0.1:${port}`, process: child };
}

export async function stop({ process }: Contender): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exit = once(process, 'exit');
  process.kill('SIGTERM');
  await exit;
}

/** Two cores for all that is measured, the database and wrk among them, however many there are. */
export function onTheSameCores(argv: string[]): string[] {
  return ['taskset', '-c', '0,1', ...argv];
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once somebody listens there; throws if the process ends before. */
export async function listening(port: number, child: ChildProcess): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    if (child.exitCode !== null || Date.now() > end)
      throw new Error(`${child.spawnargs.join(' ')} does not listen`);
    await setTimeout(POLL_MS);
  }
}
