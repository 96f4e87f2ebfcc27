import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

/** How patiently a server ends; both count from the start of the shutdown. */
export interface ShutdownOptions {
  /** How long keep-alive clients have to come back once and be told to leave. */
  drainMs: number;
  /** When whatever still runs is cut off. */
  limitMs: number;
}

const POLL_MS = 25;

/**
 * Watches a server from its start and returns what ends it without dropping a request: every answer says
 * `Connection: close`, the clients leave, and only then the socket closes. `server.close()` comes last because it cuts
 * idle keep-alive connections, on which a request may be under way. Resolves to whether anything had to be cut off.
 */
export function shutdownOf(server: Server, { drainMs, limitMs }: ShutdownOptions): () => Promise<boolean> {
  // By connection: a Set that each response enters and leaves keeps those before it from an early collection.
  const latest = new Map<Socket, ServerResponse>();
  let closing = false;
  server.prependListener('request', ({ socket }, response) => {
    if (!latest.has(socket)) socket.once('close', () => latest.delete(socket));
    latest.set(socket, response);
    if (closing) sayClose(response);
  });

  return async () => {
    const started = performance.now();
    closing = true;
    latest.forEach(sayClose);
    await drained(server, drainMs);
    return closed(server, limitMs - (performance.now() - started));
  };
}

function sayClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

async function drained(server: Server, withinMs: number): Promise<void> {
  const connections = promisify(server.getConnections.bind(server));
  const end = performance.now() + withinMs;
  while (performance.now() < end && (await connections()) > 0) await setTimeout(POLL_MS);
}

async function closed(server: Server, withinMs: number): Promise<boolean> {
  const end = once(server, 'close');
  server.close();
  const late = setTimeout(Math.max(0, withinMs), 'late' as const, { ref: false });
  if ((await Promise.race([end, late])) !== 'late') return false;
  server.closeAllConnections();
  await end;
  return true;
}
