import { converge } from '../apply.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const command: Command = {
  examples: [
    ['berth plan', 'say what apply would change, with diffs; exit 2 if anything'],
    ['berth plan --json', 'the same as one JSON object a line'],
  ],
  async run(context) {
    const summary = await converge(context, 'plan');
    context.report.summary('plan', summary);
    return summary.add + summary.change + summary.remove === 0 ? EXIT.done : EXIT.differs;
  },
};
