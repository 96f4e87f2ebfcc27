import assert from 'node:assert/strict';
import type { Change } from './change.ts';
import { byHand, drift, driftStatus } from './drift.ts';
import type { Host } from './host.ts';
import { leftovers } from './resources/leftovers.ts';
import type { Goal } from './resources/resource.ts';

const applied = { at: '2026-11-21T12:00:00.000Z', by: 'me@laptop', code: 'c', runtime: 'r', web: 'w' };
const unfinished = { verb: 'apply', at: '2026-11-21T13:00:00.000Z', by: 'me@laptop' };
const found = { resource: 'file /f', action: 'change', changes: ['write /f'] };
const record = { at: '2026-11-21T14:00:00.000Z', since: applied.at, resources: [found] };

/** A machine that holds these files of /var/lib/berth, and that nobody changes just now. */
function machine(files: Record<string, unknown>): Host {
  return {
    read: async (path: string) => {
      const value = files[path.replace('/var/lib/berth/', '')];
      return value === undefined ? null : JSON.stringify(value);
    },
    stat: async () => null,
    forget: () => {},
    facts: { unit: async () => ({ active: 'inactive', enabled: '' }) },
  } as unknown as Host;
}

describe('drift', () => {
  it('is not what comes about by itself', () => {
    const change: Change = { do: 'remove', path: '/opt/berth/sources/old' };
    const planned = (resource: Goal) => ({ resource, changes: [change] });
    assert.deepEqual(byHand(planned(leftovers('/opt/berth/sources', [], []))), []);
    const plain: Goal = { id: 'x', check: async () => null, plan: () => [] };
    assert.deepEqual(byHand(planned(plain)), [planned(plain)]);
  });

  const rows: [what: string, files: Record<string, unknown>, state: string][] = [
    ['before the first apply', {}, 'unknown'],
    ['right after an apply', { 'applied.json': applied }, 'none'],
    ['after a look', { 'applied.json': applied, 'drift.json': record }, 'found'],
    [
      'after an apply that mended it',
      { 'applied.json': { ...applied, at: record.at }, 'drift.json': record },
      'none',
    ],
    [
      'after an apply that was cut short',
      { 'applied.json': applied, 'unfinished.json': unfinished },
      'unfinished',
    ],
  ];
  for (const [what, files, state] of rows) {
    it(`is "${state}" ${what}`, async () => {
      const status = await driftStatus(machine(files));
      assert.equal(status.state, state);
      assert.deepEqual(status.resources, state === 'found' ? ['file /f'] : []);
    });
  }

  it('cannot be told before an apply has ended well', async () => {
    const look = (files: Record<string, unknown>) =>
      drift({ waitMs: 0 }, { host: machine(files), emit: () => {}, stop: new AbortController().signal });
    await assert.rejects(look({}), { code: 'not_applied' });
    await assert.rejects(look({ 'applied.json': applied, 'unfinished.json': unfinished }), {
      code: 'apply_unfinished',
      message: /the apply that me@laptop began/,
    });
  });
});
