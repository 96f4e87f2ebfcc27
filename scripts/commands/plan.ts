import { converge } from '../apply.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost, severalHosts } from '../fleet.ts';
import { writePlan } from '../plan-file.ts';

export const command: Command = {
  options: [['--out <file>', 'write the plan down, digests only, for berth apply --plan <file>']],
  examples: [
    ['berth plan', 'say what apply would change, with diffs; exit 2 if anything'],
    ['berth plan --out plan.json', 'the same, for berth apply --plan plan.json to do exactly that'],
    ['berth plan --json', 'the same as one JSON object a line'],
    ['berth plan --all', 'of every machine; exit 2 if any differs, 1 if any could not be asked'],
  ],
  run(context, { options: { out } }) {
    if (out !== undefined && context.hosts.length > 1) throw severalHosts(context.hosts);
    return onEachHost(context, context.hosts, (each) => plan(each, out));
  },
};

async function plan(context: Context, out: string | true | undefined): Promise<number> {
  const { report } = context;
  const { sealed, ...summary } = await converge(context, 'plan', { sealed: out !== undefined });
  report.summary('plan', summary);
  if (sealed && typeof out === 'string') {
    writePlan(context, out, sealed);
    report.note(`the plan is in ${out}: berth apply --plan ${out} does exactly that`);
  }
  return summary.add + summary.change + summary.remove === 0 ? EXIT.done : EXIT.differs;
}
