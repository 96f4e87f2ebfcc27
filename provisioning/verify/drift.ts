import { findDrift } from '../drift.ts';
import { BerthError } from '../errors.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

const rule = {
  id: 'drift.hand',
  title: 'nothing was changed by hand since the last apply',
  fix: 'berth drift shows how it differs; berth apply puts it back',
  reference: 'CIS Controls 4.1',
};
/** For a run that changes the machine just now. */
const waitMs = 30_000;

/** What the machine's own settings say, beside what it is. */
export const drift: Check = { id: 'drift', run };

async function run({ host }: Subject): Promise<Finding[]> {
  const stop = AbortSignal.timeout(waitMs);
  try {
    const { resources, since } = await findDrift({ waitMs }, { host, emit: () => {}, stop });
    const differing = resources.map(({ resource }) => resource);
    return [judge(rule, differing, `as applied at ${since}`)];
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    if (error.code === 'locked') return [skip(rule, error.message)];
    if (['not_applied', 'apply_unfinished'].includes(error.code)) return [judge(rule, [error.message], '')];
    throw error;
  }
}
