import assert from 'node:assert/strict';
import { type Account, JWT_KEYS, useApi } from '../testing/api.ts';
import { assertInvalid, assertProblem } from '../testing/assert-problem.ts';
import type { Reply } from '../testing/client.ts';
import { eventually } from '../testing/eventually.ts';
import { type Run, run } from '../testing/process.ts';
import { signAccessToken } from '../tokens.ts';

interface Event {
  id: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape.
  data: any;
}

describe('tasks', function () {
  this.timeout(30_000);
  const api = useApi({ TASK_LIMIT_OWNER: '20' });
  let ada: Account;
  let bob: Account;
  let worker: Run;
  before(async () => {
    [ada, bob] = await Promise.all([api.signUp('ada'), api.signUp('bob')]);
    worker = run('api/worker.ts', { DATABASE_URL: api.databaseUrl, PATH: process.env.PATH ?? '' });
    await worker.printed(/"working"/);
  });
  after(async () => {
    worker.process.kill('SIGTERM');
    assert.equal((await worker.exit).code, 0);
  });

  const done = (account: Account, id: number): Promise<Reply> =>
    eventually(`the end of task ${id}`, async () => {
      const reply = await account.get(`/tasks/${id}`);
      return ['done', 'failed'].includes(reply.body.status) ? reply : undefined;
    });

  it('are accepted, and done', async () => {
    const { status, headers, body } = await ada.post('/tasks', { kind: 'digest', payload: { days: 3 } });
    assert.deepEqual([status, body.status, body.kind], [202, 'pending', 'digest']);
    assert.equal(headers.get('location'), `/api/tasks/${body.id}`);
    const task = (await done(ada, body.id)).body;
    assert.equal(task.status, 'done');
    const digests = (await bob.get('/digests')).body;
    assert.deepEqual([digests[0].id, digests[0].days], [task.result.digest_id, 3]);
  });

  it('have the same digest of the same days, whoever asks for what size', async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => bob.post('/posts', { title: `${n}`, content: 'c' })),
    );
    const starts_on = new Date().toISOString().slice(0, 10);
    const results = [];
    for (const account of [ada, bob]) {
      const payload = { starts_on, days: 2, size: 1 };
      const { body } = await account.post('/tasks', { kind: 'digest', payload });
      results.push((await done(account, body.id)).body.result);
    }
    assert.deepEqual(results[0], results[1]);
    assert.equal(results[0].posts, 10);
    assert.equal((await bob.get('/digests?days=2')).body[0].posts.length, 10);
  });

  it('are done once for the same key, and have the first answer', async () => {
    const key = { 'Idempotency-Key': 'monthly-1' };
    const order = { kind: 'digest', payload: { starts_on: '2026-01-01', days: 31 } };
    const first = await ada.post('/tasks', order, key);
    await done(ada, first.body.id);
    const again = await ada.post('/tasks', order, key);
    assert.deepEqual([again.status, again.body], [202, first.body]);
    assertProblem(await ada.post('/tasks', { kind: 'digest' }, key), 422, 'idempotency_key_reused');
    const others = await bob.post('/tasks', order, key);
    assert.notEqual(others.body.id, first.body.id);
    assertInvalid(await ada.post('/tasks', order, { 'Idempotency-Key': 'x'.repeat(256) }), 'Idempotency-Key');
  });

  it('are done once for the same key, however many ask at the same time', async () => {
    const key = { 'Idempotency-Key': 'at-once' };
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => ada.post('/tasks', { kind: 'digest' }, key)),
    );
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([202]));
    assert.equal(new Set(replies.map(({ body }) => body.id)).size, 1);
  });

  it('are refused while too many of their owner’s are not over, but for those that were accepted', async () => {
    const eve = await api.signUp('busy');
    const key = { 'Idempotency-Key': 'accepted' };
    const first = await eve.post('/tasks', { kind: 'digest' }, key);
    await done(eve, first.body.id);
    const waiting = { kind: 'digest', version: 9, payload: '{}', owner_id: eve.id };
    await api.db('tasks').insert(Array.from({ length: 19 }, () => waiting));
    await api.db('tasks').insert({ ...waiting, status: 'running' });
    for (const headers of [{}, { 'Idempotency-Key': 'new' }]) {
      const refused = await eve.post('/tasks', { kind: 'digest' }, headers);
      assertProblem(refused, 429, 'too_many_tasks');
      assert.equal(refused.headers.get('retry-after'), '10');
    }
    assert.deepEqual((await eve.post('/tasks', { kind: 'digest' }, key)).body, first.body);
    assertProblem(await eve.post('/tasks', { kind: 'export_posts' }, key), 422, 'idempotency_key_reused');
    assert.equal((await bob.post('/tasks', { kind: 'digest' })).status, 202);
    await api.db('tasks').where({ owner_id: eve.id, status: 'running' }).delete();
    assert.equal((await eve.post('/tasks', { kind: 'digest' })).status, 202);
    await api.db('tasks').where({ owner_id: eve.id, version: 9 }).delete();
  });

  it('are their owner’s alone', async () => {
    const { body } = await ada.post('/tasks', { kind: 'digest' });
    assertProblem(await bob.get(`/tasks/${body.id}`), 404, 'not_found');
    assertProblem(await bob.get(`/tasks/${body.id}/events`), 404, 'not_found');
    assert.equal((await api.anonymous.get(`/tasks/${body.id}`)).status, 401);
    assert.ok((await bob.get('/tasks?limit=100')).body.every((task: { id: number }) => task.id !== body.id));
  });

  it('are listed by pages, the newest first', async () => {
    const eve = await api.signUp('eve');
    for (let n = 0; n < 5; n++) await eve.post('/tasks', { kind: 'digest' });
    const seen: number[] = [];
    for (let path: string | undefined = '/tasks?limit=2'; path; ) {
      const { body, headers }: Reply = await eve.get(path);
      seen.push(...body.map(({ id }: { id: number }) => id));
      path = /<\/api(.*?)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    }
    assert.equal(seen.length, 5);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => b - a),
    );
  });

  const refused: [string, unknown, ...string[]][] = [
    ['nothing', {}, 'kind'],
    ['an unknown kind', { kind: 'unknown' }, 'kind'],
    ['a payload of another kind', { kind: 'digest', payload: { days: 'many' } }, 'payload.days'],
    ['no such day', { kind: 'digest', payload: { starts_on: '2026-02-30' } }, 'payload.starts_on'],
    ['no such year', { kind: 'digest', payload: { starts_on: '0000-01-01' } }, 'payload.starts_on'],
    ['a day to come', { kind: 'digest', payload: { starts_on: '9999-12-31' } }, 'payload.starts_on'],
    ['another format', { kind: 'export_posts', payload: { format: 'xls' } }, 'payload.format'],
    ['a payload that is none', { kind: 'digest', payload: [] }, 'payload'],
  ];
  for (const [what, body, ...paths] of refused)
    it(`answer 422 to ${what}`, async () => assertInvalid(await ada.post('/tasks', body), ...paths));

  it('answer 413 above 64 KB', async () => {
    const order = (length: number) => ({ kind: 'digest', payload: { padding: 'x'.repeat(length) } });
    assertProblem(await ada.post('/tasks', order(64 * 1024)), 413, 'body_too_large');
    assert.equal((await ada.post('/tasks', order(64 * 1024 - 100))).status, 202);
  });

  for (const format of ['ndjson', 'csv'])
    it(`export posts as ${format}, for whoever has the link`, async () => {
      const writer = await api.signUp(`writer-${format}`);
      for (let n = 0; n < 300; n++)
        await writer.post('/posts', {
          title: n === 7 ? '=1+1' : `"${n}", title`,
          content: 'é\n'.repeat(2_000),
        });
      await bob.post('/posts', { title: 'not yours', content: 'c' });
      const { body } = await writer.post('/tasks', { kind: 'export_posts', payload: { format } });
      const { result } = (await done(writer, body.id)).body;
      assert.equal(result.rows, 300);
      const file = await fetch(new URL(result.url, api.url));
      assert.equal(file.status, 200);
      assert.match(file.headers.get('content-disposition') ?? '', new RegExp(`posts-${body.id}\\.${format}`));
      const text = await file.text();
      assert.equal(Buffer.byteLength(text), result.bytes);
      assert.ok(!text.includes('not yours'));
      if (format === 'ndjson') assert.equal(JSON.parse(text.split('\n')[7] as string).title, '=1+1');
      else assert.match(text, /,'=1\+1,/);
      const forged = new URL(result.url.replace(/expires=(\d+)/, 'expires=9$1'), api.url);
      assert.equal((await fetch(forged)).status, 403);
    });

  const exported = async (account: Account, format: string) => {
    const { body } = await account.post('/tasks', { kind: 'export_posts', payload: { format } });
    return { id: body.id as number, result: (await done(account, body.id)).body.result };
  };

  it('export what one start of them has read, whatever others leave', async () => {
    const eve = await api.signUp('exporting');
    await eve.post('/posts', { title: 't', content: 'c' });
    const { id, result } = await exported(eve, 'ndjson');
    const left = [0, 1].map((part) => ({ task_id: id, run: 0, part, bytes: Buffer.from('another start') }));
    await api.db('exports').insert([...left, ...left.map((row) => ({ ...row, run: 9 }))]);
    const text = await (await fetch(new URL(result.url, api.url))).text();
    assert.deepEqual([text.length, JSON.parse(text).title], [result.bytes, 't']);
    assert.equal('run' in result, false);
  });

  it('export no posts as an empty file', async () => {
    const { result } = await exported(await api.signUp('silent'), 'ndjson');
    const file = await fetch(new URL(result.url, api.url));
    assert.deepEqual([file.status, await file.text(), result.bytes], [200, '', 0]);
  });

  it('keep one’s last export of each format', async () => {
    const eve = await api.signUp('exporting-again');
    const statusOf = async ({ result }: { result: { url: string } }) =>
      (await fetch(new URL(result.url, api.url))).status;
    const table = await exported(eve, 'csv');
    assert.equal(await statusOf(await exported(eve, 'ndjson')), 200);
    assert.equal(await statusOf(table), 200);
    assert.equal(await statusOf(await exported(eve, 'csv')), 200);
    assert.equal(await statusOf(table), 404);
  });

  it('answer 403 to a link whose time has passed, and 404 where nothing is exported', async () => {
    const { createLinks } = await import('../links.ts');
    const [kid = '', secret = ''] = JWT_KEYS.split(':');
    const links = createLinks([{ kid, secret }]);
    const path = (seconds: number) => links.sign('/api/exports/2147483647', seconds).slice('/api'.length);
    assertProblem(await api.anonymous.get(path(-1)), 403, 'link_invalid');
    assertProblem(await api.anonymous.get(path(60)), 404, 'not_found');
  });

  describe('followed by their events', () => {
    async function events(account: Account, id: number, seen?: number): Promise<Event[] | number> {
      const headers = { ...account.headers, ...(seen !== undefined && { 'Last-Event-ID': String(seen) }) };
      const response = await fetch(`${api.url}/tasks/${id}/events`, { headers });
      if (response.status !== 200) return response.status;
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
      const text = await response.text();
      return [...text.matchAll(/^id: (\d+)\nevent: task\ndata: (.*)$/gm)].map(([, number, data]) => ({
        id: Number(number),
        data: JSON.parse(data as string),
      }));
    }

    it('tell how they are until they are over, and nothing more after that', async () => {
      const { body } = await ada.post('/tasks', { kind: 'digest' });
      const told = (await events(ada, body.id)) as Event[];
      const last = told.at(-1) as Event;
      assert.equal(last.data.status, 'done');
      assert.deepEqual(
        told.map(({ id }) => id),
        told.map(({ id }) => id).toSorted((a, b) => a - b),
      );
      assert.deepEqual(last.data, (await ada.get(`/tasks/${body.id}`)).body);
      assert.equal(await events(ada, body.id, last.id), 204);
      assert.deepEqual(await events(ada, body.id, last.id - 1), [last]);
    });

    const follow = (account: Account, id: number, more: { token?: string; signal?: AbortSignal } = {}) => {
      const token = more.token ?? account.tokens.access_token;
      const signal = more.signal ?? null;
      return fetch(`${api.url}/tasks/${id}/events`, {
        headers: { Authorization: `Bearer ${token}` },
        signal,
      });
    };

    async function neverDone(owner: Account): Promise<number> {
      const waiting = { kind: 'digest', version: 9, payload: '{}', owner_id: owner.id };
      const [{ id = 0 } = {}] = await api.db('tasks').insert(waiting).returning('id');
      return id;
    }

    it('end with the token', async () => {
      const id = await neverDone(ada);
      const [kid = '', secret = ''] = JWT_KEYS.split(':');
      const [user] = await api.db('users').where({ id: ada.id }).select('id', 'token_version');
      const token = signAccessToken(user as never, [{ kid, secret }], 2);
      const { exp } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
      const response = await follow(ada, id, { token });
      assert.equal(response.status, 200);
      assert.match(await response.text(), /"status":"pending"/);
      assert.ok(Date.now() >= exp * 1000);
      assert.equal((await follow(ada, id, { token })).status, 401);
      await api.db('tasks').where({ id }).delete();
    });

    it('are refused while their owner follows too many', async () => {
      const [id, bobs] = [await neverDone(ada), await neverDone(bob)];
      const ending = new AbortController();
      const open = await Promise.all(
        Array.from({ length: 20 }, () => follow(ada, id, { signal: ending.signal })),
      );
      assert.deepEqual(new Set(open.map(({ status }) => status)), new Set([200]));
      const refused = await ada.get(`/tasks/${id}/events`);
      assertProblem(refused, 429, 'too_many_streams');
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
      const other = await follow(bob, bobs);
      assert.equal(other.status, 200);
      ending.abort();
      const again = await eventually('a place', async () => {
        const response = await follow(ada, id);
        return response.status === 200 ? response : undefined;
      });
      await Promise.all([again, other].map(({ body }) => body?.cancel()));
      await api.db('tasks').whereIn('id', [id, bobs]).delete();
    });

    it('end with the server, for the client to come back', async () => {
      const id = await neverDone(ada);
      const response = await follow(ada, id);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      api.watch.close();
      while (!(await reader.read()).done);
      await api.db('tasks').where({ id }).delete();
    });
  });
});
