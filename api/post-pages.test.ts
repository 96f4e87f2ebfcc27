import assert from 'node:assert/strict';
import { type Account, useApi } from './testing/api.ts';

/** Ids that are further from one another the newer they are: over 33 ranges of the index of titles. */
const idOf = (n: number) => n * n * 600;

describe('a search that few titles match', () => {
  const api = useApi();
  let ada: Account;
  const expected: number[] = [];

  before(async () => {
    ada = await api.signUp('ada');
    for (let n = 60; n > 0; n -= 1) if (n % 3 > 0) expected.push(idOf(n));
    await api.db.raw(
      `insert into posts (id, owner_id, title, content) overriding system value
       select n * n * 600, ?, case n % 3 when 0 then 'straw' else 'a needle' end, 'c' from generate_series(1, 60) n`,
      [ada.id],
    );
  });

  const idsOf = (body: { id: number }[]) => body.map(({ id }) => id);

  for (const limit of [3, 10, 30, 100]) {
    it(`finds all, the newest first, in pages of ${limit}`, async () => {
      const seen: number[] = [];
      for (let next: string | undefined = `/posts?search=needle&limit=${limit}`; next; ) {
        const { headers, body } = await ada.get(next);
        seen.push(...idsOf(body));
        next = /^<\/api(\/posts\?.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      }
      assert.deepEqual(seen, expected);
    });
  }

  it('goes on after whatever id and however many are skipped', async () => {
    for (const [after, skip] of [
      [1, 0],
      [65_536, 0],
      [65_537, 1],
      [1_000_000, 7],
      [2_147_483_647, 39],
      [2_147_483_647, 40],
    ] as const) {
      const { body } = await ada.get(`/posts?search=needle&limit=10&after=0.${after}&skip=${skip}`);
      const left = expected.filter((id) => id < after);
      assert.deepEqual(idsOf(body), left.slice(skip, skip + 10), `${after}, ${skip}`);
    }
  });
});
