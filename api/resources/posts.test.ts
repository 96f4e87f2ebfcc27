import assert from 'node:assert/strict';
import { type Account, useApi } from '../testing/api.ts';
import { assertInvalid, assertProblem } from '../testing/assert-problem.ts';

const IMPOSSIBLE_IDS = [
  '0',
  '-1',
  '987654',
  '2147483648',
  '9007199254740993',
  'abc',
  '1.5',
  '%00',
  '%E0%A4%A',
];

describe('POST /posts', () => {
  const api = useApi();
  let ada: Account;
  before(async () => {
    ada = await api.signUp('ada');
  });

  it('answers 201 with the post, its owner and its place', async () => {
    const { status, headers, body } = await ada.post('/posts', { title: 'First', content: 'words' });
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `/api/posts/${body.id}`);
    const { id, created_at, updated_at, owner, ...rest } = body;
    assert.ok(Number.isInteger(id));
    assert.equal(created_at, new Date(created_at).toISOString());
    assert.equal(updated_at, created_at);
    assert.deepEqual(Object.keys(owner), ['id', 'username', 'created_at']);
    assert.deepEqual(rest, { title: 'First', content: 'words', published: true, owner_id: ada.id, votes: 0 });
  });

  it('ignores unknown keys and those that are not the client’s to set', async () => {
    const { body } = await ada.post('/posts', {
      id: 99,
      owner_id: 99,
      votes: 99,
      x: 1,
      title: 't',
      content: 'c',
    });
    assert.notEqual(body.id, 99);
    assert.deepEqual([body.owner_id, body.votes], [ada.id, 0]);
  });

  it('takes the longest title and content, and any text', async () => {
    const [title, content] = ["'; drop table posts; --".padEnd(200, 'é'), '🙂'.repeat(10_000)];
    const { status, body } = await ada.post('/posts', { title, content });
    assert.equal(status, 201);
    assert.deepEqual([body.title, body.content], [title, content]);
  });

  const refused: [string, unknown, ...string[]][] = [
    ['no title and no content', {}, 'title', 'content'],
    ['empty texts', { title: '', content: '' }, 'title', 'content'],
    ['a title of 201 characters', { title: 'x'.repeat(201), content: 'c' }, 'title'],
    ['a content of 20001 characters', { title: 't', content: 'x'.repeat(20_001) }, 'content'],
    ['a NUL', { title: 'a\0b', content: 'c' }, 'title'],
    ['other types', { title: 1, content: { a: 1 }, published: 'yes' }, 'title', 'content', 'published'],
    ['nulls', { title: null, content: null, published: null }, 'title', 'content', 'published'],
  ];
  for (const [what, body, ...paths] of refused) {
    it(`answers 422 to ${what}`, async () => assertInvalid(await ada.post('/posts', body), ...paths));
  }
});

describe('GET /posts', () => {
  const api = useApi();
  let ada: Account;
  let bob: Account;
  const titles = async (query: string, reader = ada): Promise<string[]> => {
    const { status, body } = await reader.get(`/posts?${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body.map((post: { title: string }) => post.title);
  };

  before(async () => {
    ada = await api.signUp('ada');
    bob = await api.signUp('bob');
    for (let n = 1; n <= 12; n++) await ada.post('/posts', { title: `Post ${n}`, content: 'c' });
    await bob.post('/posts', { title: '100% of a_b\\c', content: 'c' });
    await bob.post('/posts', { title: 'Secret', content: 'c', published: false });
  });

  it('answers the newest ten by default', async () => {
    const expected = ['100% of a_b\\c', ...[12, 11, 10, 9, 8, 7, 6, 5, 4].map((n) => `Post ${n}`)];
    assert.deepEqual(await titles(''), expected);
  });

  it('answers whole posts', async () => {
    const { body } = await ada.get('/posts?limit=1');
    assert.deepEqual(body[0], (await ada.get(`/posts/${body[0].id}`)).body);
  });

  it('limits and skips', async () => {
    assert.deepEqual(await titles('limit=2&skip=1'), ['Post 12', 'Post 11']);
    assert.equal((await titles('limit=100')).length, 13);
    assert.deepEqual(await titles('skip=10000'), []);
  });

  it('shows what is unpublished to its owner alone', async () => {
    assert.ok(!(await titles('limit=100')).includes('Secret'));
    assert.equal((await titles('limit=100', bob))[0], 'Secret');
  });

  it('searches a substring of the title in whatever case', async () => {
    assert.deepEqual(await titles('search=OST%201'), ['Post 12', 'Post 11', 'Post 10', 'Post 1']);
    assert.deepEqual(await titles('search='), await titles(''));
    assert.deepEqual(await titles('search=nothing'), []);
  });

  it('takes %, _ and the backslash in a search as themselves', async () => {
    for (const search of ['%', '_', '\\', '0% of a_b\\c']) {
      assert.deepEqual(await titles(`search=${encodeURIComponent(search)}`), ['100% of a_b\\c'], search);
    }
    assert.deepEqual(await titles('search=P_st'), []);
  });

  it('filters by owner', async () => {
    assert.deepEqual(await titles(`owner_id=${bob.id}`), ['100% of a_b\\c']);
    assert.deepEqual(await titles('owner_id=2147483647'), []);
  });

  it('sorts by votes, then by newest', async () => {
    const { body } = await ada.get('/posts?search=Post%203');
    await ada.post('/vote', { post_id: body[0].id, dir: 1 });
    assert.deepEqual(await titles('sort=top&limit=3'), ['Post 3', '100% of a_b\\c', 'Post 12']);
  });

  for (const sort of ['new', 'top']) {
    it(`walks all pages along Link: rel="next" (sort=${sort})`, async () => {
      const seen: string[] = [];
      for (let next: string | undefined = `/posts?limit=3&sort=${sort}`; next; ) {
        const { headers, body } = await ada.get(next);
        seen.push(...body.map((post: { title: string }) => post.title));
        next = /^<\/api(\/posts\?.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      }
      assert.deepEqual(seen, await titles(`limit=100&sort=${sort}`));
    });
  }

  it('keeps the search in the link, and gives none on the last page', async () => {
    const first = await ada.get('/posts?search=post%201&limit=2&skip=1&owner_id=1');
    assert.match(first.headers.get('link') ?? '', /\?search=post\+1&limit=2&owner_id=1&after=0\.\d+>/);
    assert.equal((await ada.get('/posts?search=post%201&limit=4')).headers.get('link'), null);
  });

  it('a page does not repeat posts when new ones come', async () => {
    const { headers } = await ada.get('/posts?limit=2&search=Post');
    const next = /<\/api(.*)>/.exec(headers.get('link') ?? '')?.[1] ?? '';
    const { body } = await bob.post('/posts', { title: 'Post now', content: 'c' });
    assert.deepEqual(await titles(next.slice('/posts?'.length)), ['Post 10', 'Post 9']);
    await bob.delete(`/posts/${body.id}`);
  });

  const refused: [string, ...string[]][] = [
    ['limit=0&skip=-1', 'limit', 'skip'],
    ['limit=101&skip=10001', 'limit', 'skip'],
    ['limit=ten&skip=1.5', 'limit', 'skip'],
    ['limit=1&limit=2', 'limit'],
    ['limit=', 'limit'],
    ['sort=old', 'sort'],
    ['sort=new&sort=top', 'sort'],
    ['owner_id=x', 'owner_id'],
    ['owner_id=2147483648', 'owner_id'],
    ['owner_id=9007199254740993', 'owner_id'],
    ['search=%00', 'search'],
    ['search=a&search=b', 'search'],
    ['after=x', 'after'],
    ['after=1.99999999999', 'after'],
    ['after=1.1&after=1.1', 'after'],
  ];
  for (const [query, ...paths] of refused) {
    it(`answers 422 to ?${query}`, async () => assertInvalid(await ada.get(`/posts?${query}`), ...paths));
  }

  it('ignores unknown query keys', async () => {
    assert.equal((await ada.get('/posts?nonsense=1&nonsense=2&__proto__=3')).status, 200);
  });
});

describe('/posts/{id}', () => {
  const api = useApi();
  let ada: Account;
  let bob: Account;
  const write = async (extra: object = {}) =>
    (await ada.post('/posts', { title: 'Title', content: 'Content', ...extra })).body;

  before(async () => {
    ada = await api.signUp('ada');
    bob = await api.signUp('bob');
  });

  it('GET answers the post with its ETag, to everyone', async () => {
    const post = await write();
    const { status, headers, body } = await bob.get(`/posts/${post.id}`);
    assert.equal(status, 200);
    assert.match(headers.get('etag') ?? '', /^"1\.[\w-]{16}"$/);
    assert.deepEqual(body, post);
  });

  it('GET answers 304 while nothing has changed', async () => {
    const post = await write();
    const etag = (await ada.get(`/posts/${post.id}`)).headers.get('etag') ?? '';
    const again = await ada.get(`/posts/${post.id}`, { 'If-None-Match': etag });
    assert.deepEqual([again.status, again.body, again.headers.get('etag')], [304, null, etag]);
    assert.equal((await ada.get(`/posts/${post.id}`, { 'If-None-Match': `W/${etag}` })).status, 304);
    await bob.post('/vote', { post_id: post.id, dir: 1 });
    assert.equal((await ada.get(`/posts/${post.id}`, { 'If-None-Match': etag })).status, 200);
  });

  for (const id of IMPOSSIBLE_IDS) {
    it(`answers 404 to ${id}`, async () => {
      assertProblem(await ada.get(`/posts/${id}`), 404, 'not_found');
      assertProblem(await ada.put(`/posts/${id}`, { title: 't', content: 'c' }), 404, 'not_found');
      assertProblem(await ada.patch(`/posts/${id}`, {}), 404, 'not_found');
      assertProblem(await ada.delete(`/posts/${id}`), 404, 'not_found');
    });
  }

  it('PUT replaces all, and an omitted published is true', async () => {
    const post = await write({ published: false });
    const { status, headers, body } = await ada.put(`/posts/${post.id}`, {
      id: 1,
      title: 'New',
      content: 'Text',
    });
    assert.equal(status, 200);
    assert.match(headers.get('etag') ?? '', /^"2\./);
    assert.deepEqual(body, {
      ...post,
      title: 'New',
      content: 'Text',
      published: true,
      updated_at: body.updated_at,
    });
    assert.ok(body.updated_at > post.updated_at);
    assert.deepEqual((await bob.get(`/posts/${post.id}`)).body, body);
  });

  it('PUT answers 422 to a part', async () => {
    const { id } = await write();
    assertInvalid(await ada.put(`/posts/${id}`, { title: 'New' }), 'content');
  });

  it('PATCH changes what is given', async () => {
    const post = await write();
    const { status, body } = await ada.patch(`/posts/${post.id}`, { published: false });
    assert.equal(status, 200);
    assert.deepEqual(body, { ...post, published: false, updated_at: body.updated_at });
    assert.equal((await ada.patch(`/posts/${post.id}`, {})).body.title, 'Title');
  });

  it('PATCH answers 422 to what is not valid', async () => {
    const { id } = await write();
    assertInvalid(await ada.patch(`/posts/${id}`, { title: '', content: null }), 'title', 'content');
  });

  it('DELETE answers 204, and the post is gone with its votes', async () => {
    const { id } = await write();
    await bob.post('/vote', { post_id: id, dir: 1 });
    assert.equal((await ada.delete(`/posts/${id}`)).status, 204);
    assertProblem(await ada.get(`/posts/${id}`), 404, 'not_found');
    assertProblem(await ada.delete(`/posts/${id}`), 404, 'not_found');
    assert.equal((await api.db('votes').where({ post_id: id })).length, 0);
  });

  it('answers 403 to a stranger’s change', async () => {
    const { id } = await write();
    assertProblem(await bob.put(`/posts/${id}`, { title: 't', content: 'c' }), 403, 'not_owner');
    assertProblem(await bob.patch(`/posts/${id}`, { title: 't' }), 403, 'not_owner');
    assertProblem(await bob.delete(`/posts/${id}`), 403, 'not_owner');
  });

  it('an unpublished post exists for its owner alone', async () => {
    const { id } = await write({ published: false });
    assert.equal((await ada.get(`/posts/${id}`)).status, 200);
    assertProblem(await bob.get(`/posts/${id}`), 404, 'not_found');
    assertProblem(await bob.patch(`/posts/${id}`, { title: 't' }), 404, 'not_found');
    assertProblem(await bob.delete(`/posts/${id}`), 404, 'not_found');
    assertProblem(await bob.post('/vote', { post_id: id, dir: 1 }), 404, 'not_found');
  });

  it('checks 401, then 422, then 404, then 403, then 412', async () => {
    const { id } = await write();
    const stale = { 'If-Match': '"99.x"' };
    const change = (who: typeof api.anonymous, path: string, body: unknown) => who.patch(path, body, stale);
    assertProblem(await change(api.anonymous, '/posts/0', { title: 1 }), 401, 'unauthorized');
    assertProblem(await change(bob, '/posts/0', { title: 1 }), 422, 'invalid');
    assertProblem(await change(bob, '/posts/0', {}), 404, 'not_found');
    assertProblem(await change(bob, `/posts/${id}`, {}), 403, 'not_owner');
    assertProblem(await change(ada, `/posts/${id}`, {}), 412, 'changed');
  });
});

describe('If-Match', () => {
  const api = useApi();
  let ada: Account;
  let path: string;
  let etag: string;
  beforeEach(async () => {
    ada ??= await api.signUp('ada');
    const { headers } = await ada.post('/posts', { title: 't', content: 'c' });
    path = (headers.get('location') ?? '').slice('/api'.length);
    etag = headers.get('etag') ?? '';
  });
  const change = (ifMatch: string) => ada.patch(path, { title: 'changed' }, { 'If-Match': ifMatch });

  it('lets the version that was read be changed once', async () => {
    assert.equal((await change(etag)).status, 200);
    assertProblem(await change(etag), 412, 'changed');
    assertProblem(await ada.put(path, { title: 't', content: 'c' }, { 'If-Match': etag }), 412, 'changed');
  });

  it('takes a list, a weak tag that a compressing proxy made, and *', async () => {
    assert.equal((await change(`"7.x", W/${etag}`)).status, 200);
    assert.equal((await change('*')).status, 200);
  });

  it('refuses what names no version', async () => {
    for (const tag of ['1', '""', '"1"', '"01.x"', 'x', ','])
      assertProblem(await change(tag), 412, 'changed');
  });

  it('is not hurt by a stranger’s vote', async () => {
    const bob = await api.signUp(`bob${Date.now()}`);
    await bob.post('/vote', { post_id: Number(path.split('/').at(-1)), dir: 1 });
    assert.equal((await change(etag)).status, 200);
  });

  it('lets one of many parallel changes of a version win', async () => {
    const statuses = (await Promise.all(Array.from({ length: 10 }, () => change(etag)))).map(
      (reply) => reply.status,
    );
    assert.deepEqual(statuses.sort(), [200, ...Array(9).fill(412)]);
  });
});

describe('GET /posts, where a statement takes longer than it may', () => {
  const api = useApi({ DATABASE_STATEMENT_TIMEOUT_MS: '1000' });

  /** What is asked while nobody can read posts. */
  async function askLocked(path: string) {
    const ada = await api.signUp(`ada${path.length}`);
    const other = await api.db.transaction();
    await other.raw('lock table posts in access exclusive mode');
    const reply = await ada.get(path);
    await other.rollback();
    return reply;
  }

  it('answers 422 to what no index bounds: a short search, or what skips', async () => {
    assertInvalid(await askLocked('/posts?search=ab'), 'search');
    assertInvalid(await askLocked('/posts?search=ab&skip=7'), 'search', 'skip');
  });

  it('answers 503 to the rest: it is none of the client’s doing', async () => {
    assertProblem(await askLocked('/posts'), 503, 'unavailable');
    assertProblem(await askLocked('/posts?search=abc'), 503, 'unavailable');
  });
});
