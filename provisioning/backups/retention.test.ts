import assert from 'node:assert/strict';
import { type Kept, superfluous } from './retention.ts';
import type { Kind } from './store.ts';

const keep = { daily: 7, weekly: 4, manual: 2, releases: 2 };
let sequence = 0;

function made(startedAt: string, kind: Kind = 'daily', apps = ['api']): Kept {
  sequence += 1;
  return { id: `${startedAt.replace(/[-:]/g, '')}-${kind}-${sequence}`, sequence, kind, startedAt, apps };
}

/** A backup for each of `count` days from 2026-03-02, a Monday, on. */
function nightly(count: number): Kept[] {
  return Array.from({ length: count }, (_, day) =>
    made(new Date(Date.UTC(2026, 2, 2 + day, 3, 30)).toISOString()),
  );
}

function left(all: Kept[]): string[] {
  const gone = superfluous(all, keep);
  return all
    .filter(({ id }) => !gone.includes(id))
    .map(({ startedAt, kind }) => `${startedAt.slice(5, 10)} ${kind}`);
}

describe('retention', () => {
  it('keeps the last seven days, and the last backup of each of four weeks', () => {
    const days = ['03-08', '03-15', '03-22', '03-23', '03-24', '03-25', '03-26', '03-27', '03-28', '03-29'];
    assert.deepEqual(
      left(nightly(28)),
      days
        .slice(0)
        .filter((day) => day !== '')
        .map((day) => `${day} daily`),
    );
  });

  it('keeps the newest of one day alone', () => {
    const twice = [made('2026-03-02T03:30:00Z'), made('2026-03-02T19:00:00Z')];
    assert.deepEqual(superfluous(twice, keep), [twice[0]?.id]);
  });

  it('keeps so many made by hand, and so many from before a release of each application', () => {
    const all = [
      ...[1, 2, 3].map((day) => made(`2026-03-0${day}T09:00:00Z`, 'manual')),
      ...[1, 2, 3].map((day) => made(`2026-03-0${day}T10:00:00Z`, 'release')),
      made('2026-03-01T11:00:00Z', 'release', ['blog']),
    ];
    assert.deepEqual(left(all), [
      ...['03-02 manual', '03-03 manual', '03-02 release', '03-03 release', '03-01 release'],
    ]);
  });

  it('never takes the newest whole one, also where the settings keep none', () => {
    const all = [made('2026-03-01T09:00:00Z', 'manual'), made('2026-03-02T09:00:00Z', 'release')];
    const gone = superfluous(all, { daily: 1, weekly: 0, manual: 0, releases: 0 });
    assert.deepEqual(gone, [all[1]?.id]);
  });

  it('never takes the newest that an application is in, however long it fails', () => {
    const all = [made('2025-12-01T03:30:00Z', 'daily', ['api', 'blog']), ...nightly(60)];
    assert.ok(left(all).includes('12-01 daily'));
  });

  it('goes by the order in which they were made where the clock was set back', () => {
    const all = [...nightly(10), made('2020-01-01T03:30:00Z')];
    const days = left(all);
    assert.ok(days.includes('01-01 daily'), 'the newest, with the older date');
    assert.ok(days.includes('03-11 daily') && !days.includes('03-05 daily'), `${days}`);
  });
});
