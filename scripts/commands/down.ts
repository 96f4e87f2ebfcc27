import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const command: Command = {
  examples: [
    ['berth down', 'stop the machine `local`'],
    ['berth up', 'start it again, with the data it had'],
  ],
  async run(context) {
    const machine = await context.machine();
    const state = await machine.state();
    if (state === 'running') await machine.stop(context.report);
    const { host } = context.flags;
    context.report.print(
      state === 'absent' ? `There is no machine ${host}.\n` : `The machine ${host} is stopped.\n`,
    );
    context.report.data({ type: 'machine', host, state: state === 'absent' ? 'absent' : 'stopped' });
    return EXIT.done;
  },
};
