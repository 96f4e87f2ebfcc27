import assert from 'node:assert/strict';
import jwt from 'jsonwebtoken';
import { type Account, useApi } from './testing/api.ts';
import { assertProblem } from './testing/assert-problem.ts';

const OLD = 'o'.repeat(32);
const NEW = 'n'.repeat(32);

const PROTECTED = [
  'GET /users/1',
  'GET /users/me',
  'PATCH /users/me',
  'DELETE /users/me',
  'GET /posts',
  'POST /posts',
  'GET /posts/1',
  'PUT /posts/1',
  'PATCH /posts/1',
  'DELETE /posts/1',
  'POST /vote',
];

describe('authentication', () => {
  const api = useApi({ JWT_KEYS: `new:${NEW},old:${OLD}` });
  let ada: Account;
  before(async () => {
    ada = await api.signUp('ada');
  });

  const sign = (secret: string, options: jwt.SignOptions, payload: object = { ver: 1 }) =>
    jwt.sign(payload, secret, {
      algorithm: 'HS256',
      keyid: 'new',
      subject: String(ada.id),
      expiresIn: 60,
      ...options,
    });
  const me = (authorization: string) => api.anonymous.get('/users/me', { Authorization: authorization });

  for (const row of PROTECTED) {
    it(`${row} needs a token`, async () => {
      const [method = '', path = ''] = row.split(' ');
      const reply = await api.anonymous.send(method, path);
      assertProblem(reply, 401, 'unauthorized');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
    });
  }

  it('signs with the first key and takes the others, so that keys rotate', async () => {
    const { header } = jwt.decode(ada.tokens.access_token, { complete: true }) as jwt.Jwt;
    assert.equal(header.kid, 'new');
    assert.equal((await me(`Bearer ${sign(OLD, { keyid: 'old' })}`)).status, 200);
    assert.equal((await me(`bearer ${sign(NEW, {})}`)).status, 200);
  });

  const forged: [string, () => string][] = [
    ['no token', () => 'Bearer'],
    ['another scheme', () => `Basic ${ada.tokens.access_token}`],
    ['noise', () => 'Bearer a.b.c'],
    ['a token and more', () => `Bearer ${ada.tokens.access_token} x`],
    ['a changed signature', () => `Bearer ${ada.tokens.access_token.slice(0, -3)}AAA`],
    ['an unknown key', () => `Bearer ${sign(NEW, { keyid: 'lost' })}`],
    ['no key id', () => `Bearer ${jwt.sign({ ver: 1, sub: String(ada.id) }, NEW)}`],
    ['the wrong key’s id', () => `Bearer ${sign(OLD, { keyid: 'new' })}`],
    ['the algorithm none', () => `Bearer ${sign('', { algorithm: 'none' })}`],
    ['another algorithm', () => `Bearer ${sign(NEW, { algorithm: 'HS512' })}`],
    ['an expired token', () => `Bearer ${sign(NEW, { expiresIn: -1 })}`],
    ['a user who never was', () => `Bearer ${sign(NEW, { subject: '2147483647' })}`],
    ['a subject that is no id', () => `Bearer ${sign(NEW, { subject: "1' or 1=1" })}`],
    ['an id past 2^53', () => `Bearer ${sign(NEW, { subject: '9007199254740993' })}`],
    ['no password version', () => `Bearer ${sign(NEW, {}, {})}`],
    ['a password version of another type', () => `Bearer ${sign(NEW, {}, { ver: 'x' })}`],
    ['a payload that is no object', () => `Bearer ${jwt.sign('x', NEW, { keyid: 'new' })}`],
  ];
  for (const [what, authorization] of forged) {
    it(`refuses ${what}`, async () => assertProblem(await me(authorization()), 401, 'unauthorized'));
  }

  it('refuses a refresh token in place of an access token', async () => {
    assertProblem(await me(`Bearer ${ada.tokens.refresh_token}`), 401, 'unauthorized');
  });

  it('refuses the tokens of a deleted user at once', async () => {
    const bob = await api.signUp('bob');
    await bob.delete('/users/me');
    assertProblem(await bob.get('/posts'), 401, 'unauthorized');
  });

  it('never answers for a user deleted while the request ran', async () => {
    const carol = await api.signUp('carol');
    const replies = await Promise.all([
      ...Array.from({ length: 20 }, () => carol.post('/posts', { title: 't', content: 'c' })),
      carol.delete('/users/me'),
      ...Array.from({ length: 20 }, () => carol.post('/posts', { title: 't', content: 'c' })),
    ]);
    const statuses = new Set(replies.map((reply) => reply.status));
    assert.ok(
      [...statuses].every((status) => [201, 204, 401].includes(status)),
      [...statuses].join(),
    );
    assert.equal((await api.db('posts').where({ owner_id: carol.id })).length, 0);
  });
});
