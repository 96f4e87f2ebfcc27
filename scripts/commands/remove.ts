import type { BackupResult } from '../../provisioning/backups/backup.ts';
import { BerthError } from '../../provisioning/errors.ts';
import type { ApplySummary, Event } from '../../provisioning/events.ts';
import type { Preview, RemovalInput, Removed } from '../../provisioning/removal.ts';
import type { Command, Context } from '../command.ts';
import { confirmChange } from '../confirm.ts';
import { EXIT } from '../exit-codes.ts';
import { type MachineSide, openMachineSide } from '../machine-side.ts';
import { bytesText } from '../table.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  options: [
    [
      '--purge-data [host]',
      'delete the data too: databases, shared folders, backups on the machine; --yes does not answer this, the name does',
    ],
    ['--skip-backup', 'do not back up before'],
  ],
  examples: [
    ['berth remove', 'after a backup, take away what berth put there; data stay'],
    ['berth remove --purge-data', 'data too, after the host’s name was typed'],
    ['berth remove --host shop --purge-data=shop', 'the same without a question, for scripts'],
  ],
  async run(context, { options }) {
    const purge = purgeOf(options.purgeData, context.flags.host);
    const side = await openMachineSide(context);
    const { code, runtime, web, by } = side;
    const input: RemovalInput = {
      settings: await context.settings(),
      code,
      runtime,
      web,
      by,
      purge: purge !== 'no',
    };
    const preview = await side.ask<Preview>('removal', input, shown(context, 'plan'));
    await confirmed(context, preview, purge);
    // What is deleted right after needs no copy beside it.
    const wanted = preview.applied && (purge === 'no' || preview.restic);
    if (wanted && options.skipBackup !== true) await backUp(context, side);
    await takeAway(context, side, input);
    return EXIT.done;
  },
};

type Purge = 'no' | 'asked' | 'named';

function purgeOf(given: string | true | undefined, host: string): Purge {
  if (given === undefined) return 'no';
  if (given === true) return 'asked';
  if (given === host) return 'named';
  throw new BerthError(
    'wrong_usage',
    `--purge-data names ${JSON.stringify(given)}, and this would be ${host}`,
    `--purge-data=${host}, or --purge-data to be asked`,
  );
}

function shown({ report }: Context, verb: string): (event: Event) => void {
  return (event) => report.event(verb, event);
}

async function confirmed({ confirm, flags, report }: Context, { left }: Preview, purge: Purge) {
  for (const what of left) report.print(`  stays: ${neutral(what)}\n`);
  const { host } = flags;
  if (purge === 'named') return;
  if (purge === 'asked') {
    return confirm(
      `This takes Berth away from ${host} and deletes the data of its applications, and its backups there.`,
      host,
      `--purge-data=${host}`,
    );
  }
  return confirm(`This takes Berth away from ${host}: its applications stop, their data stay.`);
}

async function backUp(context: Context, side: MachineSide): Promise<void> {
  const input = { kind: 'manual', by: side.by, reason: 'before berth remove' };
  const { id, bytes } = await context.report.step('backs up', () =>
    side.ask<BackupResult>('backup', input, shown(context, 'backup')),
  );
  context.report.print(`${id}  ${bytesText(bytes)}\n`);
}

async function takeAway(context: Context, side: MachineSide, input: RemovalInput): Promise<void> {
  const { report } = context;
  const removed = await report.step('takes away what Berth put there', () =>
    side.change<Removed>('remove', input, shown(context, 'remove')),
  );
  if (removed.guarded) await confirmChange(context, side, removed.guarded);
  await report.step('takes away what that ran from', () =>
    side.change<ApplySummary>('forget', input, () => {}),
  );
  const { left, guarded: _, ...summary } = removed;
  report.summary('apply', summary);
  report.data({ type: 'removed', host: context.flags.host, left });
  for (const what of left) report.print(`left: ${neutral(what)}\n`);
}
