import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { eventually } from './computer.ts';

/**
 * Let's Encrypt's own test server and its name server, on this computer, as machines on its bridge reach them: once as
 * the real authority and once as the one for trials.
 */
export type Pebble = {
  real: Front;
  trial: Front;
  /** PEM of the authorities of its directories and of what it issues. */
  authorities(): Promise<string>;
  /** Where a name leads, for its validations; null: nowhere. */
  lead(name: string, address: string | null): Promise<void>;
  /** Starts anew with another authority, whose certificates are good for so long. */
  restart(validSeconds: number): Promise<void>;
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

const ports = { real: 14_000, trial: 14_100, pebble: 14_001, management: 15_000, names: 8053, control: 8055 };

/** `address`: this computer's own on the bridge. */
export async function startPebble(directory: string, address: string): Promise<Pebble> {
  const path = (name: string) => join(directory, name);
  await certify(path, address);
  const credentials = { cert: readFileSync(path('server.pem')), key: readFileSync(path('server.key')) };
  const agent = new Agent({ ca: readFileSync(path('ca.pem')), keepAlive: false });
  const fronts = [ports.real, ports.trial].map((port) => startFront(address, port, credentials, agent));
  const names = await start('pebble-challtestsrv', [
    ...['-defaultIPv4', '', '-defaultIPv6', '', '-dns01', `127.0.0.1:${ports.names}`],
    ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', `127.0.0.1:${ports.control}`],
  ]);
  let server: ChildProcess | undefined;
  const managed = (at: string) => fetched(`https://127.0.0.1:${ports.management}${at}`, agent);

  async function restart(validSeconds: number): Promise<void> {
    if (server) await end(server);
    const pebble = {
      ...{
        listenAddress: `127.0.0.1:${ports.pebble}`,
        managementListenAddress: `127.0.0.1:${ports.management}`,
      },
      ...{ certificate: path('server.pem'), privateKey: path('server.key') },
      ...{ httpPort: 80, tlsPort: 443, certificateValidityPeriod: validSeconds },
    };
    writeFileSync(path('pebble.json'), JSON.stringify({ pebble }));
    const argv = ['-config', path('pebble.json'), '-dnsserver', `127.0.0.1:${ports.names}`];
    server = await start('pebble', argv);
    await eventually('the ACME server', 20, () => managed('/roots/0'));
  }

  await restart(90 * 86_400);
  const [real, trial] = (await Promise.all(fronts)) as [Front & { close(): void }, Front & { close(): void }];
  return {
    real,
    trial,
    authorities: async () => readFileSync(path('ca.pem'), 'utf8') + (await managed('/roots/0')),
    async lead(name, to) {
      const tell = (word: string, body: object) =>
        fetch(`http://127.0.0.1:${ports.control}/${word}`, { method: 'POST', body: JSON.stringify(body) });
      await tell('clear-a', { host: `${name}.` });
      if (to !== null) await tell('add-a', { host: `${name}.`, addresses: [to] });
    },
    restart,
    async close() {
      for (const front of [real, trial]) front.close();
      for (const child of [server, names]) if (child) await end(child);
    },
  };
}

async function startFront(
  address: string,
  port: number,
  credentials: { cert: Buffer; key: Buffer },
  agent: Agent,
): Promise<Front & { close(): void }> {
  const front: Front = { directory: `https://${address}:${port}/dir`, orders: 0, mode: 'open' };
  const server: Server = createServer(credentials, (asked, answer) => {
    const order = asked.method === 'POST' && asked.url === '/order-plz';
    if (order) front.orders += 1;
    if (order && front.mode === 'limited') refuse(answer);
    else pass(asked, answer, agent);
  });
  server.on('connection', (socket) => front.mode === 'away' && socket.destroy());
  server.listen(port, address);
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

function pass(asked: IncomingMessage, answer: ServerResponse, agent: Agent): void {
  const { method, url: path, headers } = asked;
  const options = { host: '127.0.0.1', port: ports.pebble, method, path, headers, agent };
  const onwards = request(options, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  onwards.on('error', () => answer.destroy());
  asked.pipe(onwards);
}

async function certify(path: (name: string) => string, address: string): Promise<void> {
  const make = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-keyout', path('ca.key'), '-out', path('ca.pem'), '-subj', '/CN=Test directory'];
  await runChecked([...make, ...ca, '-addext', 'keyUsage=critical,keyCertSign']);
  await runChecked([
    ...[...make, '-keyout', path('server.key'), '-out', path('server.pem'), '-subj', '/CN=acme'],
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
