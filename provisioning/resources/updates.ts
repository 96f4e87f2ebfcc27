import { updatesPath } from '../updates.ts';
import type { Resource } from './resource.ts';

/** Which updates wait was written down once: from then on apt has it done. */
export function recordedUpdates(unit: string): Resource<boolean> {
  return {
    id: 'recorded updates',
    async check(host) {
      const [found, { active }] = await Promise.all([host.stat(updatesPath), host.facts.unit(unit)]);
      return found !== null || active === 'activating';
    },
    plan: (recorded) =>
      recorded ? [] : [{ do: 'run', argv: ['systemctl', 'start', '--no-block', unit], action: 'add' }],
    byHand: () => [],
    inverse: () => ({}),
  };
}
