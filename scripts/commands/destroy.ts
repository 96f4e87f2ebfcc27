import { BerthError } from '../../provisioning/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const command: Command = {
  examples: [
    ['berth destroy', 'take the machine `local` away, after its name was typed'],
    ['berth destroy --yes', 'the same without a question, for scripts'],
  ],
  async run(context) {
    const { host } = context.flags;
    const { path } = await context.hostFile();
    const machine = await context.machine();
    if (machine.kind === 'ssh') throw notOurs(host, machine.kind);
    await context.confirm(`This deletes the machine ${host} and all its data, its backups too.`, host);
    await machine.destroy(context.report);
    context.report.print(
      `The machine ${host} is gone. ${path} and the cache in ${context.stateDirectory} stay.\n`,
    );
    context.report.data({ type: 'machine', host, state: 'absent' });
    return EXIT.done;
  },
};

function notOurs(host: string, kind: string): BerthError {
  return new BerthError(
    'machine_not_ours',
    `the machine ${host} (${kind}) was not made by berth, and is not berth's to delete`,
    'delete it where it was rented or made',
  );
}
