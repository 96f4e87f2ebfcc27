import { BerthError } from '../../provisioning/errors.ts';
import { readStatus } from '../apply.ts';
import { certificateText, isSound } from '../certificate-text.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { type MachineSide, openMachineSide } from '../machine-side.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  arguments: [['[action]', 'status (default) or renew']],
  examples: [
    [
      'berth certificate',
      'whose certificate nginx serves with, until when, and what went wrong with a newer one',
    ],
    ['berth certificate renew', 'ask the authority for one now, due or not'],
  ],
  async run(context, { args: [word = 'status', ...more] }) {
    if (!['status', 'renew'].includes(word) || more.length > 0)
      throw new BerthError(
        'wrong_usage',
        `berth certificate knows no ${JSON.stringify([word, ...more].join(' '))}`,
        'write status or renew',
      );
    const side = await openMachineSide(context);
    if (word === 'renew') await renew(context, side);
    return show(context, side);
  },
};

async function renew({ report }: Context, side: MachineSide): Promise<void> {
  await report.step('asks for a certificate', () => side.change('certificate', null, () => {}));
}

async function show(context: Context, side: MachineSide): Promise<number> {
  const { certificate } = await readStatus(context, side);
  context.report.data({ type: 'certificate', ...certificate });
  context.report.print(`${neutral(certificateText(certificate, Date.now()))}\n`);
  return isSound(certificate, Date.now()) ? EXIT.done : EXIT.failed;
}
