import { converge } from '../apply.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost } from '../fleet.ts';

export const command: Command = {
  examples: [
    ['berth plan', 'say what apply would change, with diffs; exit 2 if anything'],
    ['berth plan --json', 'the same as one JSON object a line'],
    ['berth plan --all', 'of every machine; exit 2 if any differs, 1 if any could not be asked'],
  ],
  run: (context) =>
    onEachHost(context, context.hosts, async (each) => {
      const summary = await converge(each, 'plan');
      each.report.summary('plan', summary);
      return summary.add + summary.change + summary.remove === 0 ? EXIT.done : EXIT.differs;
    }),
};
