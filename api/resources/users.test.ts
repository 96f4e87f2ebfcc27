import assert from 'node:assert/strict';
import { PASSWORD, useApi } from '../testing/api.ts';
import { assertInvalid, assertProblem } from '../testing/assert-problem.ts';

const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('POST /users', () => {
  const api = useApi();
  const register = (body: unknown) => api.anonymous.post('/users', body);

  it('answers 201 with the user and their e-mail, and never the password', async () => {
    const { status, body } = await register({
      email: 'Ada@example.org',
      password: PASSWORD,
      username: 'ada l',
    });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(body).sort(), ['created_at', 'email', 'id', 'username']);
    assert.equal(body.email, 'Ada@example.org');
    assert.equal(body.username, 'ada l');
    assert.ok(Number.isInteger(body.id));
    assert.match(body.created_at, ISO_UTC);
  });

  it("takes the e-mail's local part as username, made unique", async () => {
    const first = await register({ email: 'bob@example.org', password: PASSWORD });
    const second = await register({ email: 'bob@example.net', password: PASSWORD });
    assert.equal(first.body.username, 'bob');
    assert.equal(second.status, 201);
    assert.match(second.body.username, /^bob-[0-9a-f]{8}$/);
  });

  it('makes usernames unique for parallel registrations too', async () => {
    const hosts = Array.from({ length: 10 }, (_, n) => `host${n}.example.org`);
    const replies = await Promise.all(
      hosts.map((host) => register({ email: `eve@${host}`, password: PASSWORD })),
    );
    assert.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([201]));
    assert.equal(new Set(replies.map((reply) => reply.body.username)).size, 10);
  });

  it('answers 409 for an e-mail that is taken, in whatever case', async () => {
    await register({ email: 'carol@example.org', password: PASSWORD });
    assertProblem(await register({ email: 'CAROL@example.org', password: PASSWORD }), 409, 'email_taken');
  });

  it('answers 409 for a username that is taken, in whatever case', async () => {
    await register({ email: 'd1@example.org', password: PASSWORD, username: 'dan' });
    const again = await register({ email: 'd2@example.org', password: PASSWORD, username: 'Dan' });
    assertProblem(again, 409, 'username_taken');
  });

  it('lets one of many parallel registrations of an e-mail win', async () => {
    const attempts = Array.from({ length: 10 }, () =>
      register({ email: 'race@example.org', password: PASSWORD }),
    );
    const statuses = (await Promise.all(attempts)).map((reply) => reply.status).sort();
    assert.deepEqual(statuses, [201, ...Array(9).fill(409)]);
  });

  it('ignores unknown keys, and an id changes nothing', async () => {
    const { status, body } = await register({
      id: 7_000_000,
      admin: true,
      email: 'f@example.org',
      password: PASSWORD,
    });
    assert.equal(status, 201);
    assert.notEqual(body.id, 7_000_000);
  });

  const refused: [string, unknown, ...string[]][] = [
    ['no e-mail and no password', {}, 'email', 'password'],
    ['no e-mail address', { email: 'nobody', password: PASSWORD }, 'email'],
    ['an e-mail of another type', { email: ['a@example.org'], password: PASSWORD }, 'email'],
    ['an e-mail with a NUL', { email: 'a\0@example.org', password: PASSWORD }, 'email'],
    ['a password of 7 characters', { email: 'g@example.org', password: '1234567' }, 'password'],
    ['a password of 73 bytes', { email: 'g@example.org', password: 'x'.repeat(73) }, 'password'],
    [
      'a password of 72 characters and more bytes',
      { email: 'g@example.org', password: 'é'.repeat(37) },
      'password',
    ],
    ['a password with a NUL', { email: 'g@example.org', password: 'long enough\0' }, 'password'],
    ['an empty username', { email: 'g@example.org', password: PASSWORD, username: '' }, 'username'],
    ['half a surrogate pair', { email: 'g@example.org', password: PASSWORD, username: '\ud800' }, 'username'],
    ['a body that is a list', [], ''],
  ];
  for (const [what, body, ...paths] of refused) {
    it(`answers 422 to ${what}`, async () => assertInvalid(await register(body), ...paths));
  }

  it('takes a password of 72 bytes whole', async () => {
    const password = 'x'.repeat(72);
    await register({ email: 'long@example.org', password });
    const login = (attempt: string) =>
      api.anonymous.post('/login', { username: 'long@example.org', password: attempt });
    assert.equal((await login(password)).status, 200);
    assert.equal((await login(password.slice(1))).status, 401);
    assertInvalid(await login(`${password}y`), 'password');
  });
});

describe('GET /users/{id}', () => {
  const api = useApi();

  it('answers another user without their e-mail', async () => {
    const [ada, bob] = [await api.signUp('ada'), await api.signUp('bob')];
    const { status, body } = await ada.get(`/users/${bob.id}`);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), ['created_at', 'id', 'username']);
    assert.equal(body.username, 'bob');
  });

  for (const id of ['0', '-1', '987654', '2147483648', '9007199254740993', '1e3', 'abc', '%00', '1%2F2']) {
    it(`answers 404 to ${id}`, async () => {
      const ada = await api.signUp(`ada${Math.abs(Number.parseInt(id, 10) || 0)}${id.length}`);
      assertProblem(await ada.get(`/users/${id}`), 404, 'not_found');
    });
  }
});

describe('/users/me', () => {
  const api = useApi();

  it('GET answers oneself with the e-mail', async () => {
    const ada = await api.signUp('ada');
    const { status, body } = await ada.get('/users/me');
    assert.equal(status, 200);
    assert.deepEqual(
      { ...body, created_at: undefined },
      {
        id: ada.id,
        username: 'ada',
        email: 'ada@example.org',
        created_at: undefined,
      },
    );
  });

  it('PATCH changes the username', async () => {
    const bob = await api.signUp('bob');
    const { status, body } = await bob.patch('/users/me', { username: 'robert' });
    assert.equal(status, 200);
    assert.equal(body.username, 'robert');
    assert.equal((await bob.get('/users/me')).body.username, 'robert');
  });

  it('PATCH with nothing to change answers oneself', async () => {
    const carol = await api.signUp('carol');
    assert.equal((await carol.patch('/users/me', { id: 1, nonsense: 2 })).body.id, carol.id);
    assert.equal((await carol.get('/users/me')).status, 200);
  });

  it('PATCH answers 409 for a username that is taken', async () => {
    await api.signUp('dan');
    const dora = await api.signUp('dora');
    assertProblem(await dora.patch('/users/me', { username: 'DAN' }), 409, 'username_taken');
  });

  it('PATCH changes the password for whoever knows the current one, and ends all tokens', async () => {
    const eve = await api.signUp('eve');
    const changed = await eve.patch('/users/me', { password: 'battery staple', current_password: PASSWORD });
    assert.equal(changed.status, 200);
    assertProblem(await eve.get('/users/me'), 401, 'unauthorized');
    const refresh = await api.anonymous.post('/token/refresh', { refresh_token: eve.tokens.refresh_token });
    assertProblem(refresh, 401, 'unauthorized');
    const login = (password: string) => api.anonymous.post('/login', { username: eve.email, password });
    assert.equal((await login(PASSWORD)).status, 401);
    assert.equal((await login('battery staple')).status, 200);
  });

  it('PATCH answers 422 to a wrong, missing or too long password, and changes nothing', async () => {
    const fay = await api.signUp('fay');
    const change = (body: unknown) => fay.patch('/users/me', body);
    assertInvalid(
      await change({ password: 'battery staple', current_password: 'wrong' }),
      'current_password',
    );
    assertInvalid(await change({ password: 'battery staple' }), '');
    assertInvalid(await change({ password: 'x'.repeat(73), current_password: PASSWORD }), 'password');
    assertInvalid(await change({ username: null }), 'username');
    assert.equal((await fay.get('/users/me')).status, 200);
  });

  it('DELETE answers 204, and the account goes with its posts and votes', async () => {
    const [gus, hal] = [await api.signUp('gus'), await api.signUp('hal')];
    const { body: own } = await gus.post('/posts', { title: 'gone', content: 'soon' });
    const { body: other } = await hal.post('/posts', { title: 'stays', content: 'here' });
    await gus.post('/vote', { post_id: other.id, dir: 1 });
    const reply = await gus.delete('/users/me');
    assert.equal(reply.status, 204);
    assert.equal(reply.body, null);
    assert.equal((await hal.get(`/users/${gus.id}`)).status, 404);
    assert.equal((await hal.get(`/posts/${own.id}`)).status, 404);
    assert.equal((await hal.get(`/posts/${other.id}`)).body.votes, 0);
  });

  it('DELETE of accounts that voted for each other at the same time never deadlocks', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `knot${n}`);
    const accounts = await Promise.all(names.map((name) => api.signUp(name)));
    const posts = await Promise.all(
      accounts.flatMap((account) =>
        [1, 2, 3].map(() => account.post('/posts', { title: 't', content: 'c' })),
      ),
    );
    const ballots = posts.map(({ body }) => ({ post_id: body.id, dir: 1 }));
    await Promise.all(accounts.flatMap((account) => ballots.map((ballot) => account.post('/vote', ballot))));
    const replies = await Promise.all(accounts.map((account) => account.delete('/users/me')));
    assert.deepEqual(
      replies.map((reply) => reply.status),
      Array(8).fill(204),
    );
  });
});
