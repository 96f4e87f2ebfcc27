import assert from 'node:assert/strict';
import { useApi } from './testing/api.ts';
import { assertInvalid, assertProblem } from './testing/assert-problem.ts';

describe('every answer', () => {
  const api = useApi({ RELEASE: 'v42' });

  it('names the release and the request', async () => {
    const { headers } = await api.anonymous.get('/livez');
    assert.equal(headers.get('x-release'), 'v42');
    assert.match(headers.get('x-request-id') ?? '', /^[\w-]{36}$/);
    assert.equal(headers.get('x-powered-by'), null);
    assert.equal(headers.get('server'), null);
  });

  it('takes over a request id of the right shape, and makes a new one for any other', async () => {
    const given = 'a'.repeat(32);
    const idFor = async (id: string) =>
      (await api.anonymous.get('/livez', { 'X-Request-Id': id })).headers.get('x-request-id');
    assert.equal(await idFor(given), given);
    for (const id of ['short', 'x'.repeat(65), 'with spaces in it', '{"a":"b"}'])
      assert.notEqual(await idFor(id), id);
  });

  it('is the same with and without a trailing slash', async () => {
    const ada = await api.signUp('ada');
    for (const path of ['/users/me', '/posts', `/users/${ada.id}`]) {
      const [without, with_] = [await ada.get(path), await ada.get(`${path}/`)];
      assert.deepEqual([with_.status, with_.body], [200, without.body]);
    }
    assert.equal((await ada.post('/posts/', { title: 't', content: 'c' })).status, 201);
  });

  it('is a problem with status 404 where no path is', async () => {
    for (const path of [
      '',
      '/',
      '/nothing',
      '/posts/1/2',
      '/livez/x',
      '/%00',
      '/%',
      '/../etc/passwd',
      '//posts',
    ]) {
      assertProblem(await api.anonymous.get(path), 404, 'not_found');
    }
  });

  it('is a problem with status 405 and Allow for another method', async () => {
    const allow = async (method: string, path: string) => {
      const reply = await api.anonymous.send(method, path);
      assertProblem(reply, 405, 'method_not_allowed');
      return reply.headers.get('allow');
    };
    assert.equal(await allow('PUT', '/livez'), 'GET, HEAD');
    assert.equal(await allow('DELETE', '/vote'), 'POST');
    assert.equal(await allow('OPTIONS', '/users/me'), 'DELETE, GET, HEAD, PATCH');
    assert.equal(await allow('PROPFIND', '/posts/1'), 'DELETE, GET, HEAD, PATCH, PUT');
  });

  it('allows no other origin', async () => {
    const { headers } = await api.anonymous.get('/livez', { Origin: 'https://a.example' });
    assert.equal(headers.get('access-control-allow-origin'), null);
  });
});

describe('a body', () => {
  const api = useApi({ BODY_LIMIT: '1000' });
  const send = (body: string, type: string) => api.anonymous.post('/login', body, { 'Content-Type': type });

  it('answers 413 above the limit, announced or not', async () => {
    assertProblem(await send('x'.repeat(1001), 'application/json'), 413, 'body_too_large');
    assertProblem(
      await send(`username=${'x'.repeat(1000)}`, 'application/x-www-form-urlencoded'),
      413,
      'body_too_large',
    );
    const stream = new Blob(['"'.repeat(600), '"'.repeat(600)]).stream();
    assertProblem(await api.anonymous.post('/login', stream), 413, 'body_too_large');
  });

  it('answers 401 before it reads one', async () => {
    assertProblem(await api.anonymous.post('/posts', 'x'.repeat(5000)), 401, 'unauthorized');
  });

  for (const body of ['{', 'null', '7', '"x"', '{"a":1}}', '{"__proto__":{}}', '\0']) {
    it(`answers 422 to ${JSON.stringify(body)}`, async () =>
      assertInvalid(await send(body, 'application/json'), ''));
  }

  for (const type of [
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'x',
  ]) {
    it(`answers 422 to ${type}`, async () => assertInvalid(await send('{}', type), ''));
  }

  it('is found missing, not misread', async () => {
    assertInvalid(await api.anonymous.send('POST', '/login'), 'username', 'password');
    assertInvalid(await send('', 'application/json'), 'username', 'password');
  });
});

describe('CORS', () => {
  const api = useApi({ CORS_ORIGINS: 'https://a.example,https://b.example' });
  const origin = (value: string) => ({ Origin: value });

  it('allows the configured origins, errors included', async () => {
    for (const path of ['/livez', '/posts', '/nothing']) {
      const { headers } = await api.anonymous.get(path, origin('https://b.example'));
      assert.equal(headers.get('access-control-allow-origin'), 'https://b.example');
      assert.match(headers.get('access-control-expose-headers') ?? '', /ETag/);
      assert.equal(headers.get('vary'), 'Origin');
    }
  });

  it('answers their preflights', async () => {
    const { status, headers } = await api.anonymous.send('OPTIONS', '/posts', undefined, {
      ...origin('https://a.example'),
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'authorization,if-match',
    });
    assert.equal(status, 204);
    assert.match(headers.get('access-control-allow-methods') ?? '', /PATCH/);
    assert.equal(headers.get('access-control-allow-headers'), 'authorization,if-match');
  });

  it('allows no others', async () => {
    for (const other of ['https://c.example', 'https://a.example.evil.example', 'null']) {
      const { headers } = await api.anonymous.get('/livez', origin(other));
      assert.equal(headers.get('access-control-allow-origin'), null);
    }
  });
});

describe('the log', () => {
  const api = useApi();
  const lineOf = (id: string | null) =>
    api.log.find((line) => line.request_id === id && line.msg === 'request');

  it('has a line for each request, with its route and no secret', async () => {
    const ada = await api.signUp('ada');
    const { headers } = await ada.get('/posts/123?search=needle');
    const line = lineOf(headers.get('x-request-id'));
    const { method, route, status, user_id } = line ?? {};
    assert.deepEqual([method, route, status, user_id], ['GET', '/api/posts/:id', 404, ada.id]);
    assert.equal(typeof line?.duration_ms, 'number');
    const all = JSON.stringify(api.log);
    for (const secret of ['correct horse', ada.tokens.access_token, ada.tokens.refresh_token, 'needle']) {
      assert.ok(!all.includes(secret), secret);
    }
  });

  it('has an unknown failure in full, of which the client learns the request id alone', async () => {
    const ada = await api.signUp('eve');
    await api.db.raw('alter table posts rename to lost');
    const reply = await ada.get('/posts').finally(() => api.db.raw('alter table lost rename to posts'));
    const { request_id, ...body } = assertProblem(reply, 500, 'internal');
    assert.deepEqual(body, {
      type: 'urn:berth:problem:internal',
      title: 'Internal Server Error',
      status: 500,
    });
    const failure = api.log.find((line) => line.request_id === request_id && line.level === 50);
    assert.match(JSON.stringify(failure?.err), /relation \\"posts\\" does not exist.*stack.*at /);
  });

  it('mentions health checks only when asked for details', async () => {
    const { headers } = await api.anonymous.get('/livez');
    assert.equal(lineOf(headers.get('x-request-id'))?.level, 20);
  });
});
