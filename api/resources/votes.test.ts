import assert from 'node:assert/strict';
import { type Account, useApi } from '../testing/api.ts';
import { assertInvalid, assertProblem } from '../testing/assert-problem.ts';

describe('POST /vote', () => {
  const api = useApi();
  let ada: Account;
  let post_id: number;
  beforeEach(async () => {
    ada ??= await api.signUp('ada');
    post_id = (await ada.post('/posts', { title: 't', content: 'c' })).body.id;
  });
  const votesOf = async (id: number) => (await ada.get(`/posts/${id}`)).body.votes;

  it('gives a vote and takes it back', async () => {
    const given = await ada.post('/vote', { post_id, dir: 1 });
    assert.deepEqual([given.status, given.body], [201, { post_id, dir: 1, votes: 1 }]);
    assert.equal(await votesOf(post_id), 1);
    const taken = await ada.post('/vote', { post_id, dir: 0 });
    assert.deepEqual([taken.status, taken.body], [201, { post_id, dir: 0, votes: 0 }]);
    assert.equal(await votesOf(post_id), 0);
  });

  it('answers 409 to a second vote', async () => {
    await ada.post('/vote', { post_id, dir: 1 });
    assertProblem(await ada.post('/vote', { post_id, dir: 1 }), 409, 'already_voted');
    assert.equal(await votesOf(post_id), 1);
  });

  it('answers 404 without a vote to take back, and without such a post', async () => {
    assertProblem(await ada.post('/vote', { post_id, dir: 0 }), 404, 'not_found');
    assertProblem(await ada.post('/vote', { post_id: 987_654, dir: 1 }), 404, 'not_found');
    assertProblem(await ada.post('/vote', { post_id: 987_654, dir: 0 }), 404, 'not_found');
  });

  const refused: [string, unknown, ...string[]][] = [
    ['nothing', {}, 'post_id', 'dir'],
    ['another direction', { post_id: 1, dir: 2 }, 'dir'],
    ['a direction between', { post_id: 1, dir: 0.5 }, 'dir'],
    ['other types', { post_id: '1', dir: true }, 'post_id', 'dir'],
    ['an id past 2^31', { post_id: 2 ** 31, dir: 1 }, 'post_id'],
    ['an id past 2^53', { post_id: 2 ** 60, dir: 1 }, 'post_id'],
    ['a fraction', { post_id: 1.5, dir: 1 }, 'post_id'],
  ];
  for (const [what, body, ...paths] of refused) {
    it(`answers 422 to ${what}`, async () => assertInvalid(await ada.post('/vote', body), ...paths));
  }

  it('counts the votes of many users at once exactly', async () => {
    const voters = await Promise.all(Array.from({ length: 100 }, (_, n) => api.signUp(`voter${n}`)));
    const given = await Promise.all(voters.map((voter) => voter.post('/vote', { post_id, dir: 1 })));
    const counts = given.map(({ body }) => body.votes).sort((a, b) => a - b);
    assert.deepEqual(
      counts,
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
    assert.equal(await votesOf(post_id), 100);
    const taken = await Promise.all(
      voters.slice(0, 60).map((voter) => voter.post('/vote', { post_id, dir: 0 })),
    );
    assert.ok(taken.every((reply) => reply.status === 201));
    assert.equal(await votesOf(post_id), 40);
  });

  it('counts one of a user’s hundred parallel votes, and one taken back', async () => {
    const times = (dir: number) =>
      Promise.all(Array.from({ length: 100 }, () => ada.post('/vote', { post_id, dir })));
    const given = (await times(1)).map((reply) => reply.status).sort();
    assert.deepEqual(given, [201, ...Array(99).fill(409)]);
    assert.equal(await votesOf(post_id), 1);
    const taken = (await times(0)).map((reply) => reply.status).sort();
    assert.deepEqual(taken, [201, ...Array(99).fill(404)]);
    assert.equal(await votesOf(post_id), 0);
  });

  it('keeps the count exact while voters leave', async () => {
    const voters = await Promise.all(Array.from({ length: 20 }, (_, n) => api.signUp(`leaver${n}`)));
    await Promise.all(voters.map((voter) => voter.post('/vote', { post_id, dir: 1 })));
    const replies = await Promise.all([
      ...voters.slice(0, 10).map((voter) => voter.delete('/users/me')),
      ...voters.map((voter) => voter.post('/vote', { post_id, dir: 0 })),
    ]);
    assert.deepEqual(
      replies.filter((reply) => reply.status >= 500),
      [],
    );
    assert.equal(await votesOf(post_id), 0);
  });
});
