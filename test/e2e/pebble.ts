import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { selfSigned } from '../self-signed.ts';
import { eventually } from './computer.ts';

/**
 * Let's Encrypt's own test server and its name server, on this computer, as machines on its bridge reach them: once as
 * the real authority and once as the one for trials.
 */
export type Pebble = {
  real: Front;
  trial: Front;
  /** Another authority, whose certificates are good for 100 seconds. */
  brief: Front;
  /** PEM of the authorities of the directories and of what they issue. */
  authorities: string;
  /** Where a name leads, for its validations; null: nowhere. */
  lead(name: string, address: string | null): Promise<void>;
  close(): Promise<void>;
};

/** What stands before it: nothing makes Pebble itself refuse as a busy authority does. */
export type Front = {
  directory: string;
  /** How many orders came. */
  orders: number;
  /** `limited`: new orders are refused for an hour; `away`: no connection is answered. */
  mode: 'open' | 'limited' | 'away';
};

const ports = { real: 14_000, trial: 14_100, brief: 14_200, names: 8053, control: 8055 };
const day = 86_400;

/** `address`: this computer's own on the bridge. */
export async function startPebble(directory: string, address: string): Promise<Pebble> {
  const path = (name: string) => join(directory, name);
  await certify(path, address);
  const credentials = { cert: readFileSync(path('server.pem')), key: readFileSync(path('server.key')) };
  const agent = new Agent({ ca: readFileSync(path('ca.pem')), keepAlive: false });
  const names = await start('pebble-challtestsrv', [
    ...['-defaultIPv4', '', '-defaultIPv6', '', '-dns01', `127.0.0.1:${ports.names}`],
    ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', `127.0.0.1:${ports.control}`],
  ]);
  const [long, short] = await Promise.all([
    startServer(path, { port: 14_001, validSeconds: 90 * day }, agent),
    startServer(path, { port: 14_003, validSeconds: 100 }, agent),
  ]);
  const at = (port: number, { port: behind }: Server) =>
    startFront(`${address}:${port}`, behind, credentials, agent);
  const [real, trial, brief] = await Promise.all([
    at(ports.real, long),
    at(ports.trial, long),
    at(ports.brief, short),
  ]);
  return {
    ...{ real, trial, brief },
    authorities: readFileSync(path('ca.pem'), 'utf8') + long.root + short.root,
    async lead(name, to) {
      const tell = (word: string, body: object) =>
        fetch(`http://127.0.0.1:${ports.control}/${word}`, { method: 'POST', body: JSON.stringify(body) });
      await tell('clear-a', { host: `${name}.` });
      if (to !== null) await tell('add-a', { host: `${name}.`, addresses: [to] });
    },
    async close() {
      for (const front of [real, trial, brief]) front.close();
      await Promise.all([names, long.child, short.child].map(end));
    },
  };
}

type Server = { child: ChildProcess; port: number; root: string };

async function startServer(
  path: (name: string) => string,
  { port, validSeconds }: { port: number; validSeconds: number },
  agent: Agent,
): Promise<Server> {
  const managementListenAddress = `127.0.0.1:${port + 1}`;
  const pebble = {
    ...{ listenAddress: `127.0.0.1:${port}`, managementListenAddress },
    ...{ certificate: path('server.pem'), privateKey: path('server.key') },
    ...{ httpPort: 80, tlsPort: 443, certificateValidityPeriod: validSeconds },
  };
  const file = path(`pebble-${port}.json`);
  writeFileSync(file, JSON.stringify({ pebble }));
  const child = await start('pebble', ['-config', file, '-dnsserver', `127.0.0.1:${ports.names}`]);
  const root = await eventually('the ACME server', 20, () =>
    fetched(`https://${managementListenAddress}/roots/0`, agent),
  );
  return { child, port, root };
}

async function startFront(
  place: string,
  behind: number,
  credentials: { cert: Buffer; key: Buffer },
  agent: Agent,
): Promise<Front & { close(): void }> {
  const front: Front = { directory: `https://${place}/dir`, orders: 0, mode: 'open' };
  const server = createServer(credentials, (asked, answer) => {
    const order = asked.method === 'POST' && asked.url === '/order-plz';
    if (order) front.orders += 1;
    if (order && front.mode === 'limited') refuse(answer);
    else pass(asked, answer, { port: behind, agent });
  });
  server.on('connection', (socket) => front.mode === 'away' && socket.destroy());
  const [address, port] = place.split(':');
  server.listen(Number(port), address);
  await once(server, 'listening');
  return Object.assign(front, { close: () => void server.close() });
}

/** As Let's Encrypt does (RFC 8555 6.6). */
function refuse(answer: ServerResponse): void {
  const type = 'urn:ietf:params:acme:error:rateLimited';
  const problem = { type, detail: 'too many certificates already issued', status: 429 };
  answer.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '7200' });
  answer.end(JSON.stringify(problem));
}

function pass(asked: IncomingMessage, answer: ServerResponse, to: { port: number; agent: Agent }): void {
  const { method, url: path, headers } = asked;
  const options = { ...to, host: '127.0.0.1', method, path, headers };
  const onwards = request(options, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  onwards.on('error', () => answer.destroy());
  asked.pipe(onwards);
}

async function certify(path: (name: string) => string, address: string): Promise<void> {
  const ca = ['-keyout', path('ca.key'), '-out', path('ca.pem'), '-subj', '/CN=Test directory'];
  await runChecked([...selfSigned, ...ca, '-addext', 'keyUsage=critical,keyCertSign']);
  await runChecked([
    ...[...selfSigned, '-keyout', path('server.key'), '-out', path('server.pem'), '-subj', '/CN=acme'],
    ...['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=IP:${address},IP:127.0.0.1`],
  ]);
}

async function start(program: string, argv: string[]): Promise<ChildProcess> {
  // Else Pebble waits up to 15 s before each validation, and refuses one nonce of twenty.
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' };
  const child = spawn(program, argv, { stdio: 'ignore', env });
  await once(child, 'spawn');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

function fetched(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    });
    asked.on('error', reject).end();
  });
}
