import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { JWT_KEYS, PASSWORD, type Reply, useApi } from './testing/api.ts';
import { assertProblem } from './testing/assert-problem.ts';
import { Client } from './testing/client.ts';
import { run } from './testing/process.ts';

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

  it('count a name of digits apart from the account that has it for its id', async () => {
    const fay = await api.signUp('fay');
    for (let guess = 0; guess < 3; guess += 1) assert.equal((await login(`${fay.id}`)).status, 401);
    assertLimited(await login(`${fay.id}`), 60);
    assert.equal((await login(fay.email, PASSWORD)).status, 200);
  });

  it('count the proof of the current password as well', async () => {
    const bob = await api.signUp('bob');
    const guess = () => bob.patch('/users/me', { password: 'battery staple', current_password: 'guess' });
    assert.deepEqual([(await guess()).status, (await guess()).status], [422, 422]);
    assertLimited(await guess(), 60);
  });

  it('are counted across processes and releases', async () => {
    const env = {
      DATABASE_URL: api.databaseUrl,
      JWT_KEYS,
      PORT: '0',
      LISTEN_HOST: '127.0.0.1',
      BCRYPT_COST: '4',
    };
    const start = async (RELEASE: string) => {
      const server = run('api/server.ts', { ...env, RELEASE, LOGIN_LIMIT_ACCOUNT: '3' });
      const [, port] = await server.printed(/"port":(\d+)/);
      return { server, client: new Client(`http://127.0.0.1:${port}/api`) };
    };
    const guess = (client: Client) => login('eve@example.org', 'x', client);
    const [one, other] = await Promise.all([start('v1'), start('v1')]);
    for (const { client } of [one, other, one]) assert.equal((await guess(client)).status, 401);
    assertLimited(await guess(other.client), 60);
    for (const { server } of [one, other]) {
      server.process.kill('SIGTERM');
      await server.exit;
    }
    const next = await start('v2');
    assertLimited(await guess(next.client), 60);
    assert.equal((await login('mallory@example.org', 'x', next.client)).status, 401);
    next.server.process.kill('SIGKILL');
    await next.server.exit;
  });

  it('hold whatever PostgreSQL takes for the same letters', async () => {
    await api.anonymous.post('/users', { email: 'kim@example.org', password: PASSWORD });
    // The sign for kelvin is a K to PostgreSQL's lower().
    const { rows } = await api.db.raw("select lower('\u212a') = 'k' as same");
    assert.equal(rows[0].same, true);
    for (const email of ['kim@example.org', '\u212aim@example.org', 'KIM@example.org'])
      assert.equal((await login(email)).status, 401);
    assertLimited(await login('\u212aim@example.org'), 60);
  });

  it('store neither e-mail nor address, nor what both can be told by', async () => {
    const stored = JSON.stringify(await api.db('rate_limits').select());
    assert.match(stored, /login_account/);
    for (const text of ['example.org', '127.0.0.1', 'nobody@example.org']) {
      assert.ok(!stored.includes(text));
      for (const encoding of ['base64url', 'hex', 'base64'] as const)
        assert.ok(!stored.includes(createHash('sha256').update(text).digest(encoding)));
    }
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
