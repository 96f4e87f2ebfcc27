import type { Event } from '../../provisioning/events.ts';
import type { RunInfo } from '../../provisioning/runs.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { holderText } from '../holder.ts';
import { openMachineSide } from '../machine-side.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  options: [['--force', 'kill the run at once instead of letting it end after the change in hand']],
  examples: [
    ['berth unlock', 'end what holds the machine, once it has finished the change in hand'],
    ['berth unlock --force', 'the same for one that does not end'],
  ],
  async run(context, { options }) {
    const { report } = context;
    const side = await openMachineSide(context);
    const held = await side.ask<RunInfo | null>('holder', null);
    report.data({ type: 'holder', holder: held });
    if (held === null) {
      report.print(`Nobody holds ${context.flags.host}.\n`);
      return EXIT.done;
    }
    const force = options.force === true;
    const text = neutral(holderText(held));
    await context.confirm(
      `${context.flags.host} is held by the ${text}. This ${force ? 'kills' : 'ends'} it.`,
    );
    await report.step(`${force ? 'kills' : 'ends'} the ${held.verb}`, () =>
      side.ask('unlock', { id: held.id, force }),
    );
    const settings = await context.settings();
    const onEvent = (event: Event) => report.event('settle', event);
    await report.step('settles what it left', () => side.change('settle', { settings }, onEvent));
    report.print(`${context.flags.host} is free.\n`);
    return EXIT.done;
  },
};
