import assert from 'node:assert/strict';
import { type Account, useApi } from '../testing/api.ts';
import { assertInvalid } from '../testing/assert-problem.ts';

describe('digests', () => {
  const api = useApi();
  let ada: Account;
  let bob: Account;
  before(async () => {
    [ada, bob] = await Promise.all([api.signUp('ada'), api.signUp('bob')]);
  });

  const write = async (title: string): Promise<number> =>
    (await ada.post('/posts', { title, content: 'c' })).body.id;
  const keep = (starts_on: string, days: number, posts: object[] = []) =>
    api.db('digests').insert({ starts_on, days, posts: JSON.stringify(posts) });

  it('have the votes of then, and the posts as they are now', async () => {
    const titles = ['few', 'deleted', 'hidden', 'many'];
    const [few = 0, deleted = 0, hidden = 0, many = 0] = await Promise.all(titles.map(write));
    const kept = [many, hidden, deleted, few].map((id, index) => ({ id, votes: 9 - index }));
    await keep('2026-11-14', 7, kept);
    await ada.delete(`/posts/${deleted}`);
    await ada.patch(`/posts/${hidden}`, { published: false });
    await ada.patch(`/posts/${few}`, { title: 'renamed' });
    for (const reader of [bob, ada])
      assert.deepEqual((await reader.get('/digests')).body[0].posts, [
        { id: many, title: 'many', votes: 9, owner_id: ada.id },
        { id: few, title: 'renamed', votes: 6, owner_id: ada.id },
      ]);
    await ada.patch(`/posts/${few}`, { published: false });
    await ada.delete(`/posts/${many}`);
    assert.deepEqual((await bob.get('/digests')).body[0].posts, []);
  });

  it('are listed the newest first, all or those of so many days', async () => {
    await keep('2026-11-20', 1);
    await keep('2026-11-07', 7);
    const list = async (query: string) =>
      (await ada.get(`/digests?${query}`)).body.map((digest: { starts_on: string }) => digest.starts_on);
    assert.deepEqual(await list(''), ['2026-11-20', '2026-11-14', '2026-11-07']);
    assert.deepEqual(await list('days=7'), ['2026-11-14', '2026-11-07']);
    assert.deepEqual(await list('days=7&limit=1'), ['2026-11-14']);
    assertInvalid(await ada.get('/digests?days=0'), 'days');
  });
});
