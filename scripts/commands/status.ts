import { backupText } from '../backup-text.ts';
import { certificateText, isSound } from '../certificate-text.ts';
import type { Command, Context } from '../command.ts';
import { driftText } from '../drift-text.ts';
import { EXIT } from '../exit-codes.ts';
import { onEachHost } from '../fleet.ts';
import { loadText } from '../load-text.ts';
import { describe, type Status } from '../status.ts';
import { oneLine } from '../terminal.ts';
import { updatesText } from '../updates-text.ts';

export const command: Command = {
  examples: [
    ['berth status', 'where the machine is, what runs there, and whether it is healthy'],
    ['berth status --app shop', 'of this application alone'],
    ['berth status --all', 'of every machine'],
    ['berth status --json', 'the same for scripts: url, ca, ssh, release, healthy, apps'],
  ],
  run: (context) => onEachHost(context, context.hosts, show),
};

async function show(context: Context): Promise<number> {
  const status = await describe(context);
  context.report.data({ type: 'status', ...status });
  for (const line of linesOf(status)) context.report.print(`${line}\n`);
  for (const text of status.backups.warnings) context.report.note(`warning: ${text}`);
  const all = Object.values(status.apps).every(({ healthy }) => healthy);
  return all && isSound(status.certificate, Date.now()) ? EXIT.done : EXIT.failed;
}

/** A line for each value; of several applications one for each of them. */
function linesOf({
  apps,
  release,
  commit,
  healthy,
  load,
  maintenance,
  backups,
  drift,
  updates,
  certificate,
  ...machine
}: Status): string[] {
  const several = Object.keys(apps).length > 1;
  const values = Object.entries({
    ...machine,
    certificate: certificateText(certificate, Date.now()),
    backup: backupText(backups, Date.now()),
    drift: driftText(drift, Date.now()),
    updates: updatesText(updates),
    ...(several ? {} : { release, commit, healthy, ...(load && { load: loadText(load) }), maintenance }),
  });
  const width = Math.max(...values.map(([name]) => name.length));
  const lines = values.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(String(value ?? '-'), 500)}`);
  return several ? [...lines, '', ...appLines(apps)] : lines;
}

function appLines(apps: Status['apps']): string[] {
  const rows = Object.entries(apps).map(([name, app]) => [
    name,
    app.release ?? '-',
    app.commit ?? '-',
    app.release === null ? 'not deployed' : stateOf(app),
    app.url,
    loadText(app.load),
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    oneLine(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
      500,
    ),
  );
}

function stateOf({ healthy, maintenance }: { healthy: boolean; maintenance: { on: boolean } }): string {
  return `${healthy ? 'healthy' : 'not healthy'}${maintenance.on ? ', maintenance' : ''}`;
}
