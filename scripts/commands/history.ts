import { BerthError } from '../../provisioning/errors.ts';
import type { HistoryEntry } from '../../provisioning/history.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { instant, table } from '../table.ts';

export const command: Command = {
  options: [['-n, --limit <count>', 'only the newest ones', '20']],
  examples: [
    [
      'berth history',
      'the newest 20 runs that changed the machine: who, from where, what, with which result',
    ],
    ['berth history --limit 1000 --json', 'more of them as one JSON object a line'],
  ],
  async run(context, { options }) {
    const limit = countOf(String(options.limit));
    const side = await openMachineSide(context);
    const entries = await side.ask<HistoryEntry[]>('history', { limit });
    for (const entry of entries) context.report.data({ type: 'run', ...entry });
    context.report.print(table(['WHEN', 'WHAT', 'APP', 'RESULT', 'TIME', 'WHO', 'FROM'], entries.map(row)));
    return EXIT.done;
  },
};

function row({ at, verb, what, app, result, release, seconds, by, from }: HistoryEntry): string[] {
  const made = release === null ? '' : ` v${release}`;
  const took = seconds === null ? '-' : `${seconds.toFixed(1)}s`;
  const words = what === '' ? verb : `${verb} ${what}`;
  return [instant(at), words, app ?? '-', `${result}${made}`, took, by, from ?? 'the machine'];
}

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 100_000) return count;
  throw new BerthError(
    'wrong_usage',
    `--limit ${JSON.stringify(text)} is not a number from 1 to 100000`,
    'give a number',
  );
}
