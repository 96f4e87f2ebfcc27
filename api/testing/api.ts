import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { closeDb, createDb, type Db } from '../db.ts';
import { createQueue } from '../tasks/create-queue.ts';
import { KINDS } from '../tasks/kinds.ts';
import { createOutbox } from '../tasks/outbox.ts';
import type { Queue } from '../tasks/queue.ts';
import { createWatch, type Watch } from '../tasks/watch.ts';
import { Client, type Reply } from './client.ts';
import { createTestDatabase } from './postgres.ts';

/** The API on a port and a database of its own, for one test file. */
export interface TestApi {
  db: Db;
  queue: Queue;
  queueUrl: string | undefined;
  watch: Watch;
  server: Server;
  url: string;
  databaseUrl: string;
  /** The lines logged so far, parsed. */
  log: Record<string, unknown>[];
  anonymous: Client;
  /** Registers `<name>@example.org` and signs in. */
  signUp(name: string): Promise<Account>;
}

/** A user with a client that sends their token. */
export interface Account extends Client {
  id: number;
  email: string;
  tokens: { access_token: string; refresh_token: string };
}

/** Long enough for everyone. */
export const PASSWORD = 'correct horse';

export const JWT_KEYS = `test:${'k'.repeat(32)}`;

const ENVIRONMENT = {
  JWT_KEYS,
  BCRYPT_COST: '4',
  LOGIN_LIMIT_ACCOUNT: '1000000',
  LOGIN_LIMIT_ADDRESS: '1000000',
  REGISTRATION_LIMIT_ADDRESS: '1000000',
};

type Environment = Record<string, string>;

/** Starts the API before a suite's tests and stops it after them; `env` overrides settings. */
export function useApi(env: Environment | (() => Promise<Environment>) = {}, host = '127.0.0.1'): TestApi {
  const api = { log: [] } as unknown as TestApi;
  before(async () =>
    Object.assign(api, await start(typeof env === 'function' ? await env() : env, host, api.log)),
  );
  after(async () => {
    api.server.close();
    api.server.closeAllConnections();
    await api.queue.close();
    await closeDb(api.db);
  });
  return api;
}

async function start(env: Environment, host: string, lines: TestApi['log']): Promise<Omit<TestApi, 'log'>> {
  const databaseUrl = await createTestDatabase();
  const config = readConfig({ ...ENVIRONMENT, DATABASE_URL: databaseUrl, ...env });
  const db = createDb(config.database, 'test');
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const queue = await createQueue({ db, log, kinds: [...KINDS.keys()], queueUrl: config.queueUrl });
  const outbox = createOutbox({ db, queue, log });
  const watch = createWatch(db);
  const server = createServer(createApp({ db, log, config, outbox, watch }).callback()).listen(0, host);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  const anonymous = new Client(url);
  return {
    db,
    queue,
    watch,
    queueUrl: config.queueUrl,
    server,
    url,
    databaseUrl,
    anonymous,
    signUp: (name) => signUp(anonymous, name),
  };
}

async function signUp(anonymous: Client, name: string): Promise<Account> {
  const email = `${name}@example.org`;
  const { body: user } = await anonymous.post('/users', { email, password: PASSWORD });
  const { body: tokens } = await anonymous.post('/login', { username: email, password: PASSWORD });
  const client = new Client(anonymous.url, { Authorization: `Bearer ${tokens.access_token}` });
  return Object.assign(client, { id: user.id, email, tokens });
}

export type { Client, Reply };
