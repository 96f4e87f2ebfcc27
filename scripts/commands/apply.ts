import { converge } from '../apply.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const command: Command = {
  examples: [
    ['berth apply', 'bring the machine to what its hosts file says'],
    ['berth apply --verbose', 'the same, showing every change with its diff'],
  ],
  async run(context) {
    context.report.summary('apply', await converge(context, 'apply'));
    return EXIT.done;
  },
};
