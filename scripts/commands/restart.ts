import type { Event } from '../../provisioning/events.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';

export const command: Command = {
  examples: [['berth restart', 'the same slug as a new release; no request is dropped']],
  async run(context) {
    const settings = await context.settings();
    const app = await context.app();
    const side = await openMachineSide(context);
    const { code, runtime, web, by } = side;
    const onEvent = (event: Event) => context.report.event('restart', event);
    const { release } = await context.report.step('brings a new release live', () =>
      side.change<{ release: number }>('restart', { settings, app, code, runtime, web, by }, onEvent),
    );
    context.report.data({ type: 'release', app, release: `v${release}`, changed: true });
    context.report.print(`${app} v${release} is live\n`);
    return EXIT.done;
  },
};
