import { basename, dirname } from 'node:path';
import { readApplied, readUnfinished } from '../applied.ts';
import { byHand, driftStatus } from '../drift.ts';
import { survey } from '../engine.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { siteFor } from '../site-for.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const rule = {
  id: 'drift.hand',
  title: 'nothing was changed by hand since the last apply',
  fix: 'berth drift shows how it differs; berth apply puts it back',
  reference: 'CIS Controls 4.1',
};

/** The directory of this code, under /opt/berth/sources. */
const thisCode = basename(dirname(dirname(import.meta.dirname)));

/** What the machine's own settings say, beside what it is. */
export const drift: Check = { id: 'drift', run };

async function run({ host }: Subject): Promise<Finding[]> {
  const [applied, unfinished] = await Promise.all([readApplied(host), readUnfinished(host)]);
  if (unfinished) return [judge(rule, [`the ${unfinished.verb} of ${unfinished.at} has not ended well`], '')];
  if (!applied) return [judge(rule, ['no apply has ended well yet'], '')];
  // Other code would plan another site: then what the machine itself saw last counts.
  if (applied.code !== thisCode) {
    const { resources, at } = await driftStatus(host);
    return [judge(rule, resources, `nothing, looked for at ${at}`)];
  }
  const settings = await readKeptSettings(host);
  const planned = await survey({ host, emit: () => {} }, await siteFor(host, { ...applied, settings }));
  const differing = planned.flatMap(byHand).map(({ resource }) => resource.id);
  return [judge(rule, differing, `as applied at ${applied.at}`)];
}
