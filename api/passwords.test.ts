import assert from 'node:assert/strict';
import { createPasswords } from './passwords.ts';

describe('passwords', () => {
  const passwords = createPasswords(4);

  it('match their own hash and no other, many asked at once', async () => {
    const words = Array.from({ length: 20 }, (_, n) => `password ${n}`);
    const hashes = await Promise.all(words.map((word) => passwords.hash(word)));
    assert.equal(new Set(hashes).size, words.length);
    const own = await Promise.all(words.map((word, n) => passwords.matches(word, hashes[n])));
    assert.ok(own.every((same) => same));
    const others = await Promise.all(
      words.map((word, n) => passwords.matches(word, hashes[(n + 1) % words.length])),
    );
    assert.ok(others.every((same) => !same));
  });

  it('match nothing of an unknown user', async () => {
    assert.equal(await passwords.matches('nobody has this password', undefined), false);
  });

  it('refuse what is no hash', async () => {
    assert.equal(await passwords.matches('x', 'no hash'), false);
  });

  it('go on after one that could not be hashed', async () => {
    await assert.rejects(passwords.hash(undefined as unknown as string), /data and salt/);
    assert.match(await passwords.hash('again'), /^\$2b\$04\$/);
  });

  it('are taken one after another, and leave the event loop to others', async () => {
    const slow = createPasswords(9);
    await slow.matches('x', undefined);
    const done: number[] = [];
    const asked = [1, 2, 3].map((n) => slow.hash(`password ${n}`).then(() => done.push(n)));
    const alone = asked[0]?.then(() => done.length);
    let turns = 0;
    for (const all = Promise.all(asked); done.length < 3; turns += 1) {
      await Promise.race([all, new Promise((resolve) => setImmediate(resolve))]);
    }
    assert.equal(await alone, 1);
    assert.deepEqual(done, [1, 2, 3]);
    assert.ok(turns > 10, `${turns} turns`);
  });
});
