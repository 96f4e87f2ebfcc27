import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { createDb, type Db } from '../db.ts';
import { Client, type Reply } from './client.ts';
import { createTestDatabase } from './postgres.ts';

/** The API on a port and a database of its own, for one test file. */
export interface TestApi {
  db: Db;
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

/** Starts the API before a suite's tests and stops it after them; `env` overrides settings. */
export function useApi(env: Record<string, string> = {}): TestApi {
  const api = { log: [] } as unknown as TestApi;
  before(async () => Object.assign(api, await start(env, api.log)));
  after(async () => {
    api.server.close();
    api.server.closeAllConnections();
    await api.db.destroy();
  });
  return api;
}

async function start(env: Record<string, string>, lines: TestApi['log']): Promise<Omit<TestApi, 'log'>> {
  const databaseUrl = await createTestDatabase();
  const config = readConfig({ ...ENVIRONMENT, DATABASE_URL: databaseUrl, ...env });
  const db = createDb(config.database, 'test');
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const server = createServer(createApp({ db, log, config }).callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  const anonymous = new Client(url);
  return { db, server, url, databaseUrl, anonymous, signUp: (name) => signUp(anonymous, name) };
}

async function signUp(anonymous: Client, name: string): Promise<Account> {
  const email = `${name}@example.org`;
  const { body: user } = await anonymous.post('/users', { email, password: PASSWORD });
  const { body: tokens } = await anonymous.post('/login', { username: email, password: PASSWORD });
  const client = new Client(anonymous.url, { Authorization: `Bearer ${tokens.access_token}` });
  return Object.assign(client, { id: user.id, email, tokens });
}

export type { Client, Reply };
