import assert from 'node:assert/strict';
import jwt from 'jsonwebtoken';
import { PASSWORD, useApi } from '../testing/api.ts';
import { assertInvalid, assertProblem } from '../testing/assert-problem.ts';

describe('POST /login', () => {
  const api = useApi();
  const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const login = (username: unknown, password: unknown) =>
    api.anonymous.post('/login', { username, password });

  before(() => api.anonymous.post('/users', { email: 'Ada@example.org', password: PASSWORD }));

  it('takes the form of the OAuth 2 password flow', async () => {
    const form = new URLSearchParams({
      grant_type: 'password',
      scope: '',
      username: 'ada@example.org',
      password: PASSWORD,
    });
    const { status, headers, body } = await api.anonymous.post('/login', form.toString(), FORM);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['access_token', 'token_type', 'expires_in', 'refresh_token']);
    assert.equal(body.token_type, 'bearer');
    assert.equal(body.expires_in, 1800);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  it('takes JSON, and the e-mail in whatever case', async () => {
    assert.equal((await login('ADA@example.org', PASSWORD)).status, 200);
  });

  it('gives an HS256 token of the user with sub, iat, exp and kid', async () => {
    const { body } = await login('ada@example.org', PASSWORD);
    const { header, payload } = jwt.decode(body.access_token, { complete: true }) as jwt.Jwt;
    assert.deepEqual({ alg: header.alg, kid: header.kid }, { alg: 'HS256', kid: 'test' });
    const { sub, iat, exp } = payload as jwt.JwtPayload;
    assert.match(sub ?? '', /^\d+$/);
    assert.equal(Number(exp) - Number(iat), 1800);
  });

  it('answers an unknown user and a wrong password alike', async () => {
    const wrong = assertProblem(await login('ada@example.org', 'wrong password'), 401, 'unauthorized');
    const unknown = assertProblem(await login('nobody@example.org', 'wrong password'), 401, 'unauthorized');
    assert.deepEqual({ ...wrong, request_id: '' }, { ...unknown, request_id: '' });
  });

  it('answers 422 to what is missing or of another type', async () => {
    assertInvalid(await api.anonymous.post('/login', {}), 'username', 'password');
    assertInvalid(await login(7, ['x']), 'username', 'password');
    assertInvalid(await login('ada\0@example.org', PASSWORD), 'username');
    assertInvalid(await api.anonymous.post('/login', 'username=a&username=b&password=x', FORM), 'username');
  });
});

describe('POST /login, with a costly hash', () => {
  const api = useApi({ BCRYPT_COST: '10' });

  it('takes as long for an unknown user as for a wrong password', async () => {
    await api.signUp('ada');
    const time = async (username: string) => {
      const started = performance.now();
      await api.anonymous.post('/login', { username, password: 'wrong password' });
      return performance.now() - started;
    };
    const times = { wrong: [] as number[], unknown: [] as number[] };
    for (let round = 0; round < 5; round++) {
      times.wrong.push(await time('ada@example.org'));
      times.unknown.push(await time('nobody@example.org'));
    }
    const ratio = Math.min(...times.unknown) / Math.min(...times.wrong);
    assert.ok(ratio > 0.5 && ratio < 2, `ratio ${ratio}`);
  });
});

describe('POST /token/refresh', () => {
  const api = useApi();
  const refresh = (refresh_token: unknown) => api.anonymous.post('/token/refresh', { refresh_token });

  it('answers like a login, with the next refresh token', async () => {
    const { id, tokens } = await api.signUp('ada');
    const { status, body } = await refresh(tokens.refresh_token);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['access_token', 'token_type', 'expires_in', 'refresh_token']);
    assert.notEqual(body.refresh_token, tokens.refresh_token);
    const me = await api.anonymous.get('/users/me', { Authorization: `Bearer ${body.access_token}` });
    assert.equal(me.body.id, id);
    assert.equal((await refresh(body.refresh_token)).status, 200);
  });

  it('stores no token that could be used', async () => {
    const { tokens } = await api.signUp('kim');
    const stored = JSON.stringify(await api.db('sessions').select());
    assert.ok(!stored.includes(tokens.refresh_token.split('.')[1] as string));
  });

  it('revokes the whole family at the reuse of an old one', async () => {
    const { tokens } = await api.signUp('bob');
    const second = await refresh(tokens.refresh_token);
    const third = await refresh(second.body.refresh_token);
    assertProblem(await refresh(tokens.refresh_token), 401, 'unauthorized');
    assertProblem(await refresh(third.body.refresh_token), 401, 'unauthorized');
  });

  it('revokes no other sign-in of the same user', async () => {
    const carol = await api.signUp('carol');
    const { body: other } = await api.anonymous.post('/login', { username: carol.email, password: PASSWORD });
    await refresh(carol.tokens.refresh_token);
    assert.equal((await refresh(carol.tokens.refresh_token)).status, 401);
    assert.equal((await refresh(other.refresh_token)).status, 200);
  });

  it('lets at most one of many parallel uses succeed', async () => {
    const { tokens } = await api.signUp('dan');
    const replies = await Promise.all(Array.from({ length: 10 }, () => refresh(tokens.refresh_token)));
    const winners = replies.filter((reply) => reply.status === 200);
    assert.equal(winners.length, 1);
    assert.equal((await refresh(winners[0]?.body.refresh_token)).status, 401);
  });

  it('answers 401 to an expired one', async () => {
    const eve = await api.signUp('eve');
    await api
      .db('sessions')
      .where({ user_id: eve.id })
      .update({ expires_at: new Date(0) });
    assertProblem(await refresh(eve.tokens.refresh_token), 401, 'unauthorized');
  });

  it('answers 401 to one of a deleted user', async () => {
    const fay = await api.signUp('fay');
    await fay.delete('/users/me');
    assertProblem(await refresh(fay.tokens.refresh_token), 401, 'unauthorized');
  });

  it('answers 401 to any other text', async () => {
    for (const token of ['x', '.', '%', `${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}.x`]) {
      assertProblem(await refresh(token), 401, 'unauthorized');
    }
  });

  it('answers 422 to what is no token at all', async () => {
    assertInvalid(await api.anonymous.post('/token/refresh', {}), 'refresh_token');
    for (const token of [7, null, '', 'x'.repeat(300), 'a\0b'])
      assertInvalid(await refresh(token), 'refresh_token');
  });
});

describe('POST /logout', () => {
  const api = useApi();
  const logout = (refresh_token: unknown) => api.anonymous.post('/logout', { refresh_token });

  it('answers 204 and ends the session', async () => {
    const { tokens } = await api.signUp('ada');
    const reply = await logout(tokens.refresh_token);
    assert.deepEqual([reply.status, reply.body], [204, null]);
    const refresh = await api.anonymous.post('/token/refresh', { refresh_token: tokens.refresh_token });
    assertProblem(refresh, 401, 'unauthorized');
    assertProblem(await logout(tokens.refresh_token), 401, 'unauthorized');
  });

  it('answers 422 without a token', async () => {
    assertInvalid(await api.anonymous.post('/logout', {}), 'refresh_token');
  });

  it('leaves no ended session behind at the next login', async () => {
    const bob = await api.signUp('bob');
    await api
      .db('sessions')
      .where({ user_id: bob.id })
      .update({ expires_at: new Date(0) });
    await api.anonymous.post('/login', { username: bob.email, password: PASSWORD });
    assert.equal((await api.db('sessions').where({ user_id: bob.id })).length, 1);
  });
});
