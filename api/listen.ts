import cluster from 'node:cluster';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';

/** Listens on a TCP port (of `host` alone, where one is given) or a unix socket's path, and resolves once requests can come. */
export async function listen(server: Server, port: number | string, host?: string): Promise<void> {
  // In a cluster the primary binds the path, for all its workers: theirs is not to remove.
  if (typeof port === 'string' && !cluster.isWorker) await removeStale(port);
  if (typeof port === 'string') server.listen(port);
  else server.listen(port, host);
  await once(server, 'listening');
}

/** After a SIGKILL the socket's file stays and the next bind fails on it. Nobody answers there, so nobody needs it. */
async function removeStale(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await rm(path);
  } finally {
    socket.destroy();
  }
}
