import { BerthError } from '../../provisioning/errors.ts';
import type { Finished } from '../../provisioning/host.ts';
import type { QueueTaskInput } from '../../provisioning/queue.ts';
import type { QueueView } from '../../provisioning/queue-view.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { queueText } from '../queue-text.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  arguments: [
    ['[action]', 'list (default), retry or drop'],
    ['[id]', 'a task, as list shows it; for retry and drop'],
  ],
  examples: [
    ['berth queue', 'how many tasks of each kind wait, for how long, and which were given up'],
    ['berth queue retry 7', 'have one done again that was given up'],
    ['berth queue drop 7', 'never do it'],
    ['berth queue --json', 'the same as one JSON object'],
  ],
  async run(context, { args: [word = 'list', id] }) {
    if (word === 'list' && id === undefined) return list(context);
    if (word === 'retry' || word === 'drop') return act(context, word, idOf(id));
    throw usage(
      `berth queue knows no ${JSON.stringify([word, id].filter(Boolean).join(' '))}`,
      'list, retry or drop',
    );
  },
};

async function list(context: Context): Promise<number> {
  const { report } = context;
  const app = await context.app();
  const side = await openMachineSide(context);
  const view = await side.ask<QueueView>('queue', { app });
  report.data({ type: 'queue', app, ...view });
  report.print(queueText(view));
  return EXIT.done;
}

async function act(context: Context, action: QueueTaskInput['action'], id: number): Promise<number> {
  const { report, io } = context;
  const app = await context.app();
  const side = await openMachineSide(context);
  const input: QueueTaskInput = { app, action, id };
  const { code, stdout, stderr } = await side.ask<Finished>('queueTask', input);
  const said = stdout.trim();
  report.data({ type: 'queue_task', app, id, action, code, said, error: stderr.trim() });
  if (said !== '') report.print(`${neutral(said)}\n`);
  if (stderr.trim() !== '') io.stderr.write(`${neutral(stderr.trim())}\n`);
  return code;
}

function idOf(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text)))
    return Number(text);
  throw usage(
    text === undefined ? 'which task?' : `${JSON.stringify(text)} is no task`,
    'write its id as berth queue shows it',
  );
}

function usage(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
