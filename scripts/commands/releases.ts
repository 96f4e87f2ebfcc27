import type { ReleaseView } from '../../provisioning/releases/rollback.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  examples: [
    ['berth releases', 'the releases that are kept, the newest first'],
    ['berth releases --json', 'the same as one JSON object a line'],
  ],
  async run(context) {
    const app = await context.app();
    const side = await openMachineSide(context);
    for (const release of await side.ask<ReleaseView[]>('releases', { app })) {
      context.report.data({ type: 'release', app, ...release });
      context.report.print(`${neutral(line(release))}\n`);
    }
    return EXIT.done;
  },
};

function line({ number, shown, commit, reason, by, createdAt, failure }: ReleaseView): string {
  const when = createdAt.replace('T', ' ').replace(/\..*$/, '');
  const why = failure === undefined ? '' : `: ${failure.split('\n')[0]}`;
  return [`v${number}`.padEnd(5), shown.padEnd(8), commit.padEnd(14), when, by, `${reason}${why}`].join('  ');
}
