import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, readdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';

/** One that is busy for longer says nothing; whoever asks waits for no more than this. */
const PATIENCE_MS = 1_000;

/**
 * Joins the processes of a cluster that share the unix socket `shared`: each tells its own on another beside it,
 * `<shared>.<pid>`, which only their user may open. The primary is not asked, since it is pm2's.
 * Returns what asks the others; whoever does not answer in time is left out.
 */
export async function joinPeers(
  shared: string,
  tell: () => Promise<object>,
): Promise<() => Promise<object[]>> {
  const own = `${shared}.${process.pid}`;
  await rm(own, { force: true });
  await removeDead(shared);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    tell().then(
      (told) => socket.end(JSON.stringify(told)),
      () => socket.destroy(),
    );
  });
  // Without `exclusive` the cluster's primary would bind it, for all its workers.
  server.listen({ path: own, exclusive: true });
  await once(server, 'listening');
  process.once('exit', () => rmSync(own, { force: true }));
  await chmod(own, 0o600);
  server.unref();
  return async () => {
    await removeDead(shared);
    const others = (await pathsBeside(shared)).filter((path) => path !== own);
    const told = await Promise.all(others.map(ask));
    return told.filter((one) => one !== null);
  };
}

/** A process that was killed has left its socket behind. */
async function removeDead(shared: string): Promise<void> {
  const dead = (await pathsBeside(shared)).filter(
    (path) => !isRunning(Number(path.slice(shared.length + 1))),
  );
  await Promise.all(dead.map((path) => rm(path, { force: true })));
}

async function pathsBeside(shared: string): Promise<string[]> {
  const paths = (await readdir(dirname(shared))).map((name) => join(dirname(shared), name));
  return paths.filter((path) => path.startsWith(`${shared}.`) && /^\d+$/.test(path.slice(shared.length + 1)));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function ask(path: string): Promise<object | null> {
  const socket = connect({ path, signal: AbortSignal.timeout(PATIENCE_MS) });
  try {
    return (await json(socket)) as object;
  } catch {
    return null;
  }
}
