// Loaded by Node before every process of an application (`node --import`), and before the pm2 of its web processes.
import cluster from 'node:cluster';
import { readFileSync, rmSync } from 'node:fs';
import { Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

// pm2 listens for unhandled rejections and does nothing more, which takes Node's own answer, to end the process,
// away: one that failed while its modules load would stay for ever and serve nothing. An application that handles
// them itself is left alone.
process.on('unhandledRejection', function end(reason) {
  const others = process
    .listeners('unhandledRejection')
    .filter((each) => each !== end && each.name !== 'uncaughtListener');
  if (others.length === 0) throw reason;
});

// Applications listen on the number in PORT. That one listen moves to the release's own socket, BERTH_SOCKET, on
// which nginx alone reaches it; no TCP port is opened. Both variables are read when it listens, not here: pm2 sets
// them after this module was loaded.
const { listen } = Server.prototype;
let moved = false;
const servers = new Set();

Server.prototype.listen = function listenOnSocket(...args) {
  const path = process.env.BERTH_SOCKET;
  if (!path) return Reflect.apply(listen, this, args);
  if (moved && isSecondAddress(args[0])) return refuse(this);
  if (!isOurs(args[0], path)) return Reflect.apply(listen, this, args);
  moved = true;
  servers.add(this);
  // In a cluster the primary binds, for all its workers: theirs is not to remove.
  if (!cluster.isWorker) removeStale(path);
  const { backlog, signal } = typeof args[0] === 'object' ? args[0] : {};
  const callback = args.findLast((arg) => typeof arg === 'function');
  return Reflect.apply(listen, this, [{ path, backlog, signal }, callback]);
};

/** PORT as a number, a text or an option; or the socket itself, as a cluster's primary is asked for it. */
function isOurs(first, path) {
  const isOptions = typeof first === 'object' && first !== null;
  const port = isOptions ? first.port : first;
  if (port === path || (isOptions && first.path === path)) return true;
  const isPort = typeof port === 'number' || (typeof port === 'string' && port.trim() !== '');
  return isPort && Number(port) === Number(process.env.PORT);
}

/** Fastify binds the other addresses of localhost too, by its first server's port, which a socket does not have. */
function isSecondAddress(first) {
  const loopback = ['localhost', '127.0.0.1', '::1'];
  return (
    typeof first === 'object' &&
    first !== null &&
    'port' in first &&
    first.port === undefined &&
    loopback.includes(first.host)
  );
}

/** As where the address is taken; Fastify goes on without it. */
function refuse(server) {
  const error = new Error('listen EADDRINUSE: the application listens on its socket already');
  Object.assign(error, { code: 'EADDRINUSE', syscall: 'listen' });
  process.nextTick(() => server.emit('error', error));
  return server;
}

/** After a SIGKILL the socket's file stays and the next bind fails on it, unless nobody listens there any more. */
function removeStale(path) {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  if (!lines.some((line) => line.endsWith(` ${path}`))) rmSync(path, { force: true });
}

// Node forgets a connection that its primary has handed to a process which ended before it took it: the connection
// stays open, and its client waits. Here it is as if the process had refused it, and another one gets it.
cluster.on('fork', ({ process: child }) => {
  const offered = new Set();
  const { send } = child;
  child.send = (message, ...rest) => {
    if (message?.act === 'newconn') offered.add(message.seq);
    return Reflect.apply(send, child, [message, ...rest]);
  };
  child.on('internalMessage', ({ ack }) => offered.delete(ack));
  // Only now: what it said last has been read. `disconnect` does not come where a handle was not acknowledged.
  child.once('exit', () => {
    for (const ack of offered) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: false });
  });
});

// One of several processes is replaced (it has grown too large) while the others serve on: pm2 starts another, and
// then sends PM2_KILL_SIGNAL to this one. A connection on which nothing runs may get a request at any moment, so that
// only new ones are turned away, to the others; nginx leaves by itself within its keep-alive times. After that, or
// after the most of the drain, the application is asked to end as it knows it. Nobody else has a use for this signal.
process.on('SIGPWR', async () => {
  for (const server of servers) acceptNoMore(server);
  const deadline = Date.now() + Number(process.env.BERTH_QUIET_MS ?? 0);
  await wait(handedOverMs);
  while (Date.now() < deadline && (await connections()) > 0) await wait(50);
  process.kill(process.pid, 'SIGINT');
});

// The primary may be handing a connection over just now. It is given to another if this process says so; were it gone
// by then, nobody would ever answer.
const handedOverMs = 500;

/**
 * In a cluster the handle stands for the primary's, which then offers nothing more. The server does not notice, and
 * closes in its application's own way later; http's own close() would cut idle connections.
 */
function acceptNoMore(server) {
  if (cluster.isWorker) server._handle?.close();
  else server.maxConnections = 0;
}

async function connections() {
  const counts = [...servers].map((server) => promisify(server.getConnections.bind(server))().catch(() => 0));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
