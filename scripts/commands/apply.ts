import { converge } from '../apply.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost } from '../fleet.ts';

export const command: Command = {
  examples: [
    ['berth apply', 'bring the machine to what its hosts file says'],
    ['berth apply --verbose', 'the same, showing every change with its diff'],
    ['berth apply -H a,b', 'both machines side by side; one that fails does not stop the other'],
    ['berth apply --all', 'every machine of provisioning/hosts'],
  ],
  run: (context) =>
    onEachHost(context, context.hosts, async (each) => {
      each.report.summary('apply', await converge(each, 'apply'));
      return EXIT.done;
    }),
};
