import assert from 'node:assert/strict';
import type { Change } from '../provisioning/change.ts';
import type { Goal, Resource } from '../provisioning/resources/resource.ts';

/** What the machine is like, and what the plan does about it, each change in a few words. */
export type Row<State> = [state: State, changes: string[]];

function brief(change: Change): string {
  if (change.do === 'run') return change.user ? `${change.user}: ${change.input}` : change.argv.join(' ');
  if (change.do === 'release' || change.do === 'start' || change.do === 'admit')
    return `${change.do} ${change.app}`;
  return `${change.do} ${change.path}`;
}

/** A test for each row: `plan` is pure. */
export function plans<State>(name: string, resource: Goal<State>, rows: Row<State>[]): void {
  describe(`plan of ${name}`, () => {
    for (const [state, changes] of rows) {
      it(`${changes.join(', ') || 'nothing'} for ${short(state)}`, () => {
        assert.deepEqual(resource.plan(state).map(brief), changes);
      });
    }
  });
}

/** What `berth remove` brings about instead of a resource. */
export function inverseOf(resource: Resource, { purge = false } = {}): Goal {
  const { goal } = resource.inverse({ purge });
  assert.ok(goal);
  return goal;
}

function short(state: unknown): string {
  return (
    JSON.stringify(state, (_, value) => (value instanceof Map ? [...value] : value)) ?? 'nothing'
  ).slice(0, 100);
}

export const rootFile = { type: 'file', mode: 0o644, owner: 'root', group: 'root', size: 1 } as const;
export const rootDirectory = { ...rootFile, type: 'directory', mode: 0o755 } as const;
export const symlink = { ...rootFile, type: 'symlink', target: 'elsewhere' } as const;
