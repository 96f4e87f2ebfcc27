import assert from 'node:assert/strict';
import type { Change } from './change.ts';
import { apply, plan, type Run } from './engine.ts';
import type { Event } from './events.ts';
import { createHost } from './host.ts';
import type { Goal } from './resources/resource.ts';

/** A machine of named values; a resource wants one of them to be true, and its change makes it so. */
function bench(values: Record<string, boolean>, { broken = [] as string[] } = {}) {
  const events: Event[] = [];
  const done: string[] = [];
  const stop = new AbortController();
  const run: Run = {
    host: createHost(),
    emit: (event) => events.push(event),
    stop: stop.signal,
    guard: {
      arm: async (risks) => void done.push(`arm ${risks.flatMap(({ paths }) => paths)}`),
      goOn: async () => {},
      changed: async () => {
        done.push('changed');
        return { id: '1', until: '', withinMs: 60_000 };
      },
      undo: async () => void done.push('undo'),
    },
    async perform(change: Change) {
      assert.ok(change.do === 'remove');
      done.push(change.path);
      if (!broken.includes(change.path)) values[change.path] = true;
    },
  };
  const resource = (id: string): Goal<boolean> => ({
    id,
    ...(id.startsWith('risky') && { risky: { paths: [id], restore: [] } }),
    check: async () => values[id] ?? false,
    plan: (there) => (there ? [] : [{ do: 'remove', path: id }]),
  });
  return { run, events, done, stop, site: Object.keys(values).map(resource) };
}

describe('the engine', () => {
  it('plans without changing anything', async () => {
    const { run, site, done, events } = bench({ a: true, b: false });
    const summary = await plan(run, site);
    assert.deepEqual([summary.resources, summary.add, summary.change, summary.remove], [2, 0, 0, 1]);
    assert.deepEqual(done, []);
    assert.deepEqual(
      events.map((event) => event.type),
      ['planned'],
    );
  });

  it('applies in order, what differs alone, and finds it in place afterwards', async () => {
    const { run, site, done, events } = bench({ a: false, b: true, c: false });
    await apply(run, site);
    assert.deepEqual(done, ['a', 'c']);
    assert.deepEqual(
      events.filter((event) => event.type === 'applied').map((event) => event.resource),
      ['a', 'c'],
    );
    assert.equal((await apply(run, site)).remove, 0);
  });

  it('asks anew before each resource, so that one change may settle or unsettle the next', async () => {
    const values = { a: false, b: false };
    const { run, site, done } = bench(values);
    const perform = run.perform;
    run.perform = async (change) => {
      await perform(change);
      values.b = true;
    };
    await apply(run, site);
    assert.deepEqual(done, ['a']);
  });

  it('fails by name when a resource still differs after its changes, and leaves the rest alone', async () => {
    const { run, site, done } = bench({ a: false, b: false }, { broken: ['a'] });
    await assert.rejects(apply(run, site), { code: 'not_converged', message: /^a still differs/ });
    assert.deepEqual(done, ['a']);
  }).timeout(10_000);

  it('stops between resources when asked to, and goes on from there the next time', async () => {
    const { run, site, done, stop } = bench({ a: false, b: false });
    const perform = run.perform;
    run.perform = async (change) => {
      await perform(change);
      stop.abort();
    };
    await assert.rejects(apply(run, site), { code: 'stopped', message: /before b/ });
    assert.deepEqual(done, ['a']);
  });

  it('brings what is risky last, as one batch that has to be confirmed', async () => {
    const { run, site, done, events } = bench({ risky1: false, a: false, risky2: true });
    const { guarded } = await apply(run, site);
    assert.equal(guarded?.id, '1');
    assert.deepEqual(done, ['a', 'arm risky1,risky2', 'risky1', 'changed']);
    const marks = events.map((event) => event.type === 'planned' && event.risky);
    assert.deepEqual(marks.filter(Boolean), [true]);
    assert.equal((await apply(run, site)).guarded, undefined);
  });

  it('takes the whole batch back when one of it does not converge', async () => {
    const { run, site, done } = bench({ risky1: false, risky2: false }, { broken: ['risky2'] });
    await assert.rejects(apply(run, site), { code: 'not_converged', message: /is taken back/ });
    assert.deepEqual(done, ['arm risky1,risky2', 'risky1', 'risky2', 'undo']);
  }).timeout(10_000);
});
