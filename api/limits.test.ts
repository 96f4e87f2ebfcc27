import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';
import { createDb } from './db.ts';
import { JWT_KEYS, PASSWORD, type Reply, useApi } from './testing/api.ts';
import { assertProblem } from './testing/assert-problem.ts';
import { Client } from './testing/client.ts';

function assertLimited(reply: Reply, maxSeconds: number) {
  assertProblem(reply, 429, 'too_many_requests');
  const seconds = Number(reply.headers.get('retry-after'));
  assert.ok(Number.isInteger(seconds) && seconds > 0 && seconds <= maxSeconds, `Retry-After: ${seconds}`);
}

describe('logins by account', () => {
  const api = useApi({ LOGIN_LIMIT_ACCOUNT: '3' });
  const login = (username: string, password = 'wrong password', client = api.anonymous) =>
    client.post('/login', { username, password });

  it('are limited, known or not, right or wrong, in whatever case', async () => {
    await api.anonymous.post('/users', { email: 'ada@example.org', password: PASSWORD });
    for (const email of ['ada@example.org', 'nobody@example.org']) {
      for (const attempt of [email, email.toUpperCase(), email])
        assert.equal((await login(attempt)).status, 401);
      assertLimited(await login(email, PASSWORD), 60);
    }
    assert.equal((await login('other@example.org')).status, 401);
  });

  it('count the proof of the current password as well', async () => {
    const bob = await api.signUp('bob');
    const guess = () => bob.patch('/users/me', { password: 'battery staple', current_password: 'guess' });
    assert.deepEqual([(await guess()).status, (await guess()).status], [422, 422]);
    assertLimited(await guess(), 60);
  });

  it('are counted across processes', async () => {
    const config = readConfig({
      DATABASE_URL: api.databaseUrl,
      JWT_KEYS,
      BCRYPT_COST: '4',
      LOGIN_LIMIT_ACCOUNT: '3',
    });
    const db = createDb(config.database, 'other');
    const server = createServer(createApp({ db, config, log: pino({ level: 'silent' }) }).callback()).listen(
      0,
    );
    await once(server, 'listening');
    const other = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api`);
    try {
      for (const client of [api.anonymous, other, other]) await login('eve@example.org', 'x', client);
      assertLimited(await login('eve@example.org', 'x', api.anonymous), 60);
      assertLimited(await login('eve@example.org', 'x', other), 60);
    } finally {
      server.close();
      server.closeAllConnections();
      await db.destroy();
    }
  });

  it('store neither e-mail nor address', async () => {
    const stored = JSON.stringify(await api.db('rate_limits').select());
    assert.match(stored, /login_account/);
    assert.ok(!stored.includes('example.org') && !stored.includes('127.0.0.1'));
  });
});

describe('logins by address', () => {
  const api = useApi({ LOGIN_LIMIT_ADDRESS: '4' });

  it('are limited, whatever the account, and no header of the client changes its address', async () => {
    const login = (n: number) =>
      api.anonymous.post(
        '/login',
        { username: `user${n}@example.org`, password: 'x' },
        { 'X-Real-IP': `10.0.0.${n}`, 'X-Forwarded-For': `10.0.0.${n}`, Forwarded: `for=10.0.0.${n}` },
      );
    for (let n = 0; n < 4; n++) assert.equal((await login(n)).status, 401);
    assertLimited(await login(4), 60);
  });
});

describe('registrations by address', () => {
  const api = useApi({ REGISTRATION_LIMIT_ADDRESS: '2' });
  const register = (email: string) => api.anonymous.post('/users', { email, password: PASSWORD });

  it('are limited by the hour; what is not valid does not count', async () => {
    assert.equal((await register('nonsense')).status, 422);
    assert.equal((await register('a@example.org')).status, 201);
    assert.equal((await register('b@example.org')).status, 201);
    assertLimited(await register('c@example.org'), 3600);
    assert.equal((await register('nonsense')).status, 422);
  });
});
