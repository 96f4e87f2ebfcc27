import { BerthError } from '../../provisioning/errors.ts';
import type { Event } from '../../provisioning/events.ts';
import type { RollbackResult } from '../../provisioning/releases/rollback.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';

export const command: Command = {
  arguments: [['[release]', 'such as v41; default: the one that the live one replaced']],
  examples: [
    ['berth rollback', 'bring back the release before'],
    ['berth rollback v41', 'bring back that one'],
  ],
  async run(context, { args }) {
    const to = args[0] === undefined ? null : releaseNumber(args[0]);
    const settings = await context.settings();
    const app = await context.app();
    const side = await openMachineSide(context);
    const onEvent = (event: Event) => context.report.event('rollback', event);
    const { release, from } = await context.report.step('brings it live', () =>
      side.change<RollbackResult>('rollback', { settings, app, to }, onEvent),
    );
    context.report.data({ type: 'release', app, release: `v${release}`, changed: true });
    context.report.print(`${app} v${release} is live again, v${from} is not\n`);
    return EXIT.done;
  },
};

function releaseNumber(text: string): number {
  const number = Number(text.match(/^v?([1-9]\d{0,8})$/)?.[1]);
  if (number) return number;
  throw new BerthError(
    'wrong_usage',
    `${text} is no release`,
    'write it as berth releases shows it, such as v41',
  );
}
