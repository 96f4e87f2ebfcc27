import assert from 'node:assert/strict';
import { holdsKeys, idsOf, makeKey, withNext, withNextFirst } from './keys.ts';

const HOUR = 3_600_000;
const noon = Date.UTC(2026, 10, 21, 12);
const at = (hours: number) => makeKey(new Date(noon + hours * HOUR));
const foreign = `0badc0de:${'s'.repeat(43)}`;
const day = { keepMs: 24 * HOUR };

describe('keys', () => {
  it('are made with the time in their id, which their text shows alone', () => {
    assert.match(at(0), /^2026-11-21T12\.00\.00Z:[\w-]{43}$/);
    assert.deepEqual(idsOf(`${at(0)},${foreign}`), ['2026-11-21T12.00.00Z', '0badc0de']);
  });

  it('are told from other texts', () => {
    for (const text of [at(0), foreign, `${at(0)},${foreign}`]) assert.ok(holdsKeys(text), text);
    for (const text of ['', 'secret', ':s', 'a:', 'a:s,', 'a b:s', ',a:s']) assert.ok(!holdsKeys(text), text);
  });

  it('get another that verifies before it signs', () => {
    const [old, next] = [at(0), at(1)];
    const published = withNext(old, next);
    assert.equal(published, `${old},${next}`);
    assert.equal(withNextFirst(published, { now: noon + HOUR, ...day }), `${next},${old}`);
  });

  it('stay as long as a token of theirs may live, and no longer', () => {
    const [first, second, third] = [at(0), at(1), at(24)];
    const keys = withNext(`${second},${first}`, third);
    assert.equal(withNextFirst(keys, { now: noon + 24 * HOUR, ...day }), `${third},${second},${first}`);
    assert.equal(withNextFirst(keys, { now: noon + 25 * HOUR, ...day }), `${third},${second}`);
    assert.equal(withNextFirst(keys, { now: noon + 24 * HOUR, keepMs: 0 }), third);
  });

  it('stay where nobody knows when they were replaced, until what replaced those was', () => {
    const [first, second] = [at(0), at(48)];
    const keys = `${foreign},x${foreign}`;
    const once = withNextFirst(withNext(keys, first), { now: noon, ...day });
    assert.equal(once, `${first},${keys}`);
    assert.equal(
      withNextFirst(withNext(once, second), { now: noon + 48 * HOUR, ...day }),
      `${second},${first}`,
    );
  });

  it('lose one that never signed, as its rotation broke off', () => {
    const [old, unused, next] = [at(0), at(1), at(30)];
    assert.equal(withNext(`${old},${unused}`, next), `${old},${next}`);
  });
});
