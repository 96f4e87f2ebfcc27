import { BerthError } from '../../provisioning/errors.ts';
import type { Event } from '../../provisioning/events.ts';
import type { ProcessView, ScaleResult } from '../../provisioning/scale.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { table } from '../table.ts';

const most = 64;

export const command: Command = {
  arguments: [
    ['[process=count...]', 'how many of each; auto: what the hosts file says; left out: show them'],
  ],
  examples: [
    ['berth scale', 'the processes of the Procfile and how many of each run'],
    ['berth scale web=4 worker=1', 'run so many, as a new release'],
    ['berth scale web=auto', 'go back to what the hosts file says'],
  ],
  async run(context, { args }) {
    const counts = Object.fromEntries(args.map(parseCount));
    if (args.length === 0) await show(context);
    else await scale(context, counts);
    return EXIT.done;
  },
};

async function show(context: Context): Promise<void> {
  const settings = await context.settings();
  const app = await context.app();
  const side = await openMachineSide(context);
  const processes = await side.ask<ProcessView[]>('formation', { settings, app });
  for (const process of processes) context.report.data({ type: 'process', app, ...process });
  const rows = processes.map(({ process, count, from, command }) => [
    ...[process, `${count}`, from === 'scale' ? 'berth scale' : 'the hosts file', command],
  ]);
  context.report.print(table(['PROCESS', 'COUNT', 'SET BY', 'COMMAND'], rows));
}

async function scale(context: Context, counts: Record<string, number | null>): Promise<void> {
  const { report } = context;
  const settings = await context.settings();
  const app = await context.app();
  const { runtime, by, change } = await openMachineSide(context);
  const onEvent = (event: Event) => report.event('scale', event);
  const { changed, release } = await report.step('brings the processes live', () =>
    change<ScaleResult>('scale', { settings, app, runtime, by, counts }, onEvent),
  );
  report.data({ type: 'release', app, release: `v${release}`, changed });
  report.print(`${app} v${release} is live${changed ? '' : ' with as many already, nothing to do'}\n`);
}

function parseCount(text: string): [process: string, count: number | null] {
  const [, process, count] = /^([A-Za-z][\w-]*)=(auto|\d{1,3})$/.exec(text) ?? [];
  if (process === undefined || count === undefined) {
    throw refused(`${JSON.stringify(text)} is not process=count`, 'write it as web=4 or web=auto');
  }
  if (count === 'auto') return [process, null];
  const number = Number(count);
  if (number > most) throw refused(`${text}: at most ${most} of one process run`, 'give a smaller number');
  if (process === 'web' && number === 0)
    throw refused('web=0 would leave nobody to answer', 'berth maintenance on answers requests instead');
  return [process, number];
}

function refused(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
