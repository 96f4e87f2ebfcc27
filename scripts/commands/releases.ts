import type { ReleaseView } from '../../provisioning/releases/rollback.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { bytesText, instant, table } from '../table.ts';

export const command: Command = {
  examples: [
    ['berth releases', 'the releases that are kept, the newest first'],
    ['berth releases --json', 'the same as one JSON object a line'],
  ],
  async run(context) {
    const app = await context.app();
    const side = await openMachineSide(context);
    const releases = await side.ask<ReleaseView[]>('releases', { app });
    for (const release of releases) context.report.data({ type: 'release', app, ...release });
    context.report.print(table(headings, releases.map(row)));
    return EXIT.done;
  },
};

const headings = ['RELEASE', 'STATE', 'COMMIT', 'CHANGED', 'WHEN', 'WHO', 'SIZE', 'WHY'];

function row({
  number,
  shown,
  commit,
  changed,
  createdAt,
  by,
  bytes,
  reason,
  failure,
}: ReleaseView): string[] {
  const why = failure === undefined ? reason : `${reason}: ${failure.split('\n')[0]}`;
  const what = changed.join(', ') || '-';
  return [`v${number}`, shown, commit, what, instant(createdAt), by, bytesText(bytes), why];
}
