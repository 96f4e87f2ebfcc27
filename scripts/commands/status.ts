import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { describe } from '../status.ts';
import { oneLine } from '../terminal.ts';

export const command: Command = {
  examples: [
    ['berth status', 'where the machine is, what runs there, and whether it is healthy'],
    ['berth status --json', 'the same for scripts: url, ca, ssh, release, healthy'],
  ],
  async run(context) {
    const status = await describe(context);
    context.report.data({ type: 'status', ...status });
    const width = Math.max(...Object.keys(status).map((name) => name.length));
    for (const [name, value] of Object.entries(status))
      context.report.print(`${name.padEnd(width)}  ${oneLine(String(value ?? '-'), 500)}\n`);
    return status.healthy ? EXIT.done : EXIT.failed;
  },
};
