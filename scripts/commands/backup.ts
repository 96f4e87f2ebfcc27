import { text as readAll } from 'node:stream/consumers';
import type { BackupResult } from '../../provisioning/backups/backup.ts';
import type { BackupView, Catalog } from '../../provisioning/backups/catalog.ts';
import type { Drill } from '../../provisioning/backups/drill.ts';
import type { RestoreResult } from '../../provisioning/backups/restore.ts';
import type { Manifest } from '../../provisioning/backups/store.ts';
import { BerthError } from '../../provisioning/errors.ts';
import type { Event } from '../../provisioning/events.ts';
import type { Command, Context, Input } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { parseSecrets } from '../restic-secrets.ts';
import { bytesText, instant, table } from '../table.ts';
import { neutral } from '../terminal.ts';

type Action = (context: Context, input: Input) => Promise<void>;

export const command: Command = {
  arguments: [
    ['[action]', 'list (default), now, show, restore, drill or restic'],
    ['[id]', 'a backup, as list shows it; for show and restore'],
  ],
  options: [
    ['--into <database>', 'restore: into a new database of this name; the live one is left alone'],
    ['--shared', "restore: the application's shared folder too"],
    ['--config', "restore: the application's environment too, with its secrets"],
    ['--reason <text>', 'now: what it is made for; list and show say it'],
  ],
  examples: [
    ['berth backup', 'every backup, the newest first'],
    ['berth backup now --reason "before the import"', 'make one'],
    ['berth backup restore 20261121T033000Z-daily', 'put the database back to what it was then'],
    ['berth backup restore 20261121T033000Z-daily --into api_then', 'look at what it was then'],
    ['berth backup drill', 'prove that the newest one can be restored'],
    ['berth backup restic < secrets', 'give the machine the password of backup.restic.repository'],
  ],
  async run(context, input) {
    const [word = 'list'] = input.args;
    const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
    if (!action) {
      throw usage(
        `berth backup knows no ${JSON.stringify(word)}`,
        `write ${Object.keys(actions).join(', ')}`,
      );
    }
    await action(context, input);
    return EXIT.done;
  },
};

const actions: Record<string, Action> = { list, now, show, restore, drill, restic };

async function list(context: Context): Promise<void> {
  const side = await openMachineSide(context);
  const { backups, kept } = await side.ask<Catalog>('backups', null, notices(context));
  for (const backup of backups) context.report.data({ type: 'backup', ...backup });
  const headings = ['id', 'begun', 'size', 'where', 'of', 'by'];
  if (backups.length > 0) context.report.print(table(headings, backups.map(row)));
  else context.report.print('no backups yet; berth backup now makes one\n');
  for (const { name, bytes } of kept) {
    context.report.data({ type: 'kept_database', name, bytes });
    context.report.print(`kept database ${name}, ${bytesText(bytes)}; to drop it: ${dropLine(name)}\n`);
  }
}

function row({ id, startedAt, bytes, apps, by, reason, machine, restic }: BackupView): string[] {
  const places = [machine ? 'machine' : '', restic ? 'restic' : '', restic === null ? 'restic?' : ''];
  const size = bytes === null ? '-' : bytesText(bytes);
  const why = [by, reason].filter(Boolean).join(': ');
  return [id, instant(startedAt), size, places.filter(Boolean).join('+'), apps.join(','), why];
}

async function now(context: Context, { options }: Input): Promise<void> {
  const side = await openMachineSide(context);
  const reason = typeof options.reason === 'string' ? options.reason.slice(0, 200) : 'by hand';
  const input = { kind: 'manual', by: side.by, reason };
  const made = await context.report.step('backs up', () =>
    side.ask<BackupResult>('backup', input, events(context)),
  );
  const { id, bytes, seconds, offsite } = made;
  context.report.data({ type: 'backup', ...made });
  context.report.print(
    `${id}  ${bytesText(bytes)} in ${seconds.toFixed(1)} s${offsite ? ', copied to the restic repository' : ''}\n`,
  );
}

async function show(context: Context, input: Input): Promise<void> {
  const id = idOf(input);
  const side = await openMachineSide(context);
  const manifest = await context.report.step(`reads ${id}`, () => side.ask<Manifest>('showBackup', { id }));
  context.report.data({ ...manifest, type: 'backup' });
  const { startedAt, seconds, by, reason, host, versions, apps, files } = manifest;
  const print = (text: string) => context.report.print(`${neutral(text)}\n`);
  print(`${id} of ${host}, begun ${startedAt}, took ${seconds} s, by ${by}: ${reason}`);
  print(`PostgreSQL ${versions.postgresql ?? '-'}, Berth ${versions.berth}`);
  for (const [app, { database }] of Object.entries(apps)) {
    if (!database) continue;
    const { takenAt, rows, objects, bytes, fingerprint } = database;
    print(
      `${app}: ${bytesText(bytes)} as of ${takenAt}, ${objects.length} objects ${fingerprint.slice(0, 16)}`,
    );
    for (const [table, count] of Object.entries(rows))
      print(`  ${`${count ?? 'uncounted'}`.padStart(10)}  ${table}`);
  }
  for (const { name, bytes, sha256, warnings } of files) {
    print(`${name.padEnd(24)} ${bytesText(bytes).padStart(8)}  ${sha256}  as written`);
    if (warnings) print(`  ${warnings.replaceAll('\n', '\n  ')}`);
  }
}

async function restore(context: Context, input: Input): Promise<void> {
  const { options } = input;
  const id = idOf(input);
  const { settings } = await context.hostFile();
  const app = await context.app();
  const into =
    options.into === undefined ? null : databaseName(String(options.into), Object.keys(settings.apps));
  const [shared, config] = [options.shared === true, options.config === true];
  if (into !== null && (shared || config)) {
    throw usage('--into leaves everything else alone', 'leave out --shared and --config');
  }
  const side = await openMachineSide(context);
  if (into === null) await confirmed(context, app, { id, shared, config });
  const request = { id, app, into, shared, config, runtime: side.runtime, by: side.by };
  const done = await context.report.step(`restores ${app} from ${id}`, () =>
    side.change<RestoreResult>('restore', request, events(context)),
  );
  context.report.data({ type: 'restored', app, into, ...done });
  context.report.print(restoredText(app, into, done));
}

async function confirmed(
  context: Context,
  app: string,
  { id, shared, config }: { id: string; shared: boolean; config: boolean },
): Promise<void> {
  const { host } = context.flags;
  const what = ['database', ...(shared ? ['shared folder'] : []), ...(config ? ['environment'] : [])].join(
    ', ',
  );
  await context.confirm(
    `This puts the ${what} of ${app} on ${host} back to ${id}; what was written since is kept aside, not merged.`,
    host,
  );
}

function restoredText(app: string, into: string | null, done: RestoreResult): string {
  const { takenAt, rows, seconds, keptDatabase, keptShared, release } = done;
  const times = `read in ${seconds.verify} s, restored in ${seconds.restore} s, compared in ${seconds.check} s`;
  const lines = [
    `${into ?? app} is as it was at ${takenAt}: ${rows} rows; ${times}`,
    ...(seconds.away === null ? [] : [`the database was away for ${seconds.away} s`]),
    ...(keptDatabase
      ? [`the one before is kept as ${keptDatabase}; to drop it: ${dropLine(keptDatabase)}`]
      : []),
    ...(keptShared ? [`the shared folder before is kept as ${keptShared}`] : []),
    ...(release ? [`v${release} runs with what was restored`] : []),
  ];
  return lines.map((text) => `${neutral(text)}\n`).join('');
}

function dropLine(name: string): string {
  return `berth ssh -- sudo -u postgres dropdb ${name}`;
}

async function drill(context: Context): Promise<void> {
  const side = await openMachineSide(context);
  const done = await context.report.step('restores the newest backup', () =>
    side.ask<Drill>('drill', { by: side.by, waitMs: 0 }, events(context)),
  );
  const { type: _, ...evidence } = { type: '', ...done };
  context.report.data({ type: 'drill', ...evidence });
  for (const [app, { restore, check, tables, rows, objects }] of Object.entries(done.databases)) {
    context.report.print(
      `${app}: ${rows} rows in ${tables} tables, ${objects} objects as dumped; restored in ${restore} s, compared in ${check} s\n`,
    );
  }
  const from = done.source === 'restic' ? 'restic repository' : 'machine';
  context.report.print(`${done.id} from the ${from} can be restored\n`);
}

/** From a pipe or a file, never from the command line, which every user of this computer can read. */
async function restic(context: Context): Promise<void> {
  const { io, report } = context;
  if (io.stdin.isTTY) io.stderr.write('RESTIC_PASSWORD=… and other NAME=value lines, then Ctrl-D:\n');
  const secrets = parseSecrets(await readAll(io.stdin));
  const side = await openMachineSide(context);
  const { repository, created } = await report.step('opens the restic repository', () =>
    side.change<{ repository: string; created: boolean }>('setRestic', { secrets }, events(context)),
  );
  report.data({ type: 'restic', repository, created });
  report.print(`${repository} ${created ? 'was made' : 'opens'}; the next backup is copied there\n`);
}

/** What a long step does just now; notices at once, since no summary follows. */
function events(context: Context): (event: Event) => void {
  const note = notices(context);
  return (event) => (event.type === 'notice' ? note(event) : context.report.event('backup', event));
}

function notices({ report }: Context): (event: Event) => void {
  return (event) => {
    if (event.type === 'notice') report.note(event.text);
  };
}

function idOf({ args: [, id] }: Input): string {
  if (id !== undefined && /^\d{8}T\d{6}Z-[a-z0-9-]+$/.test(id)) return id;
  throw usage(
    id === undefined ? 'which backup?' : `${JSON.stringify(id)} is no backup`,
    'write its id as berth backup list shows it',
  );
}

function databaseName(name: string, apps: string[]): string {
  if (
    /^[a-z_][a-z0-9_-]{0,62}$/.test(name) &&
    !apps.includes(name) &&
    !/^(postgres|template[01])$/.test(name)
  ) {
    return name;
  }
  throw usage(
    `--into ${JSON.stringify(name)} is no name for a new database`,
    'lower-case letters, digits, _ and -',
  );
}

function usage(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
