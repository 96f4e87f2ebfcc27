import { parseAccess } from '../../provisioning/access-line.ts';
import type { AccessQuery, Moment } from '../../provisioning/access-log.ts';
import { BerthError } from '../../provisioning/errors.ts';
import type { Event } from '../../provisioning/events.ts';
import { reachNow } from '../answering.ts';
import type { Command, Context, Input } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import {
  createParser,
  isWanted,
  type JournalQuery,
  journalArgv,
  type LogEntry,
  readsBackwards,
} from '../journal.ts';
import { logText, requestText, structured } from '../log-text.ts';
import { openMachineSide } from '../machine-side.ts';
import { remote } from '../ssh.ts';
import { painter } from '../terminal.ts';

const MAX_LINES = 100_000;

export const command: Command = {
  options: [
    ['-f, --follow', 'go on with what is said from now on, over deploys, until Ctrl-C'],
    [
      '--since <age>',
      'only what is younger: 30s, 10m, 1h, 2d or "2026-03-01 12:00" in the machine\'s time zone',
    ],
    ['--until <age>', 'only what is older, written in the same way'],
    ['-n, --lines <count>', 'only the newest lines (default: 100, or all with --since)'],
    ['-p, --process <name>', 'only one process of the Procfile: web, worker, release …'],
    ['--release <release>', 'only one release, e.g. v41'],
    ['--grep <pattern>', 'only lines that match; without a capital in the pattern, capitals do not matter'],
    ['--access', "nginx's log of requests instead"],
  ],
  examples: [
    ['berth logs', 'the newest 100 lines'],
    ['berth logs -f --process web', 'what the web processes say, as they say it'],
    ['berth logs --since 1h --grep "timed out"', 'the last hour, searched on the machine'],
    ['berth logs --access --since 10m --json', 'the requests of the last ten minutes, for scripts'],
  ],
  async run(context, input) {
    const query = queryOf(input, await appsOf(context));
    try {
      await (input.options.access ? showRequests(context, query, input) : showJournal(context, query));
    } catch (error) {
      // The ordinary end of following.
      if (!query.follow || !context.signal.aborted) throw error;
    }
    return EXIT.done;
  },
};

async function appsOf({ flags, hostFile, app }: Context): Promise<string[]> {
  return flags.app === undefined ? Object.keys((await hostFile()).settings.apps) : [await app()];
}

async function showJournal(context: Context, query: JournalQuery): Promise<void> {
  const { io, report } = context;
  const paint = painter(io.stdout, io.env);
  const show = ({ text, ...entry }: LogEntry) => {
    report.print(logText({ text, ...entry }, paint, { named: query.apps.length > 1 }));
    report.data({
      type: 'log',
      ...entry,
      ...(structured(text) ?? { level: null, message: text, fields: {} }),
    });
  };
  if (query.lines !== undefined && readsBackwards(query)) {
    for (const entry of await newest(context, query, query.lines)) show(entry);
  } else await readJournal(context, query, show);
}

/** Reads backwards until there are enough, and no further. */
async function newest(context: Context, query: JournalQuery, count: number): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  const enough = new AbortController();
  const keep = (entry: LogEntry) => {
    if (found.length < count) found.unshift(entry);
    if (found.length === count) enough.abort();
  };
  const signal = AbortSignal.any([context.signal, enough.signal]);
  try {
    await readJournal({ ...context, signal }, query, keep);
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  return found;
}

async function readJournal(context: Context, query: JournalQuery, onEntry: (entry: LogEntry) => unknown) {
  const { settings } = await context.hostFile();
  const parse = createParser();
  const onLine = (line: string) => {
    const entry = parse(line);
    if (entry && isWanted(query, entry)) onEntry(entry);
  };
  const argv = ['sudo', '-n', ...journalArgv(query)];
  const options = { onLine, signal: context.signal };
  const { code, stderr } = await remote(await reachNow(context), settings.admin.user, argv, options);
  // With --grep, journalctl ends with 1 where nothing matched.
  if (code === 0 || (code === 1 && stderr.trim() === '')) return;
  throw new BerthError(
    'logs_failed',
    `journalctl ended with code ${code}: ${stderr.trim()}`,
    'berth apply mends the rights of the sudo user',
  );
}

async function showRequests(context: Context, query: JournalQuery, { options }: Input): Promise<void> {
  if (query.process !== undefined) {
    throw wrongUsage(
      '--access has no --process: nginx knows applications and releases',
      'leave one of them out',
    );
  }
  const { io, report } = context;
  const { apps } = (await context.hostFile()).settings;
  const paint = painter(io.stdout, io.env);
  const onEvent = (event: Event) => {
    const entry = event.type === 'access' ? parseAccess(event.line) : null;
    if (entry === null) return;
    report.print(requestText(entry, paint));
    report.data({ type: 'access', ...entry });
  };
  const chosen = context.flags.app === undefined ? [] : query.apps;
  const asked: AccessQuery = {
    apps: chosen.map((name) => ({ name, prefix: (apps[name]?.prefix ?? '').replace(/\/$/, '') })),
    since: momentOf('since', options.since),
    until: momentOf('until', options.until),
    lines: query.lines ?? null,
    release: query.release ?? null,
    grep: query.grep ?? null,
    follow: query.follow,
  };
  const side = await openMachineSide(context);
  await side.ask('accessLog', asked, onEvent, { hold: true });
}

function queryOf({ options }: Input, apps: string[]): JournalQuery {
  const { follow, since, until, lines, process, release, grep } = options;
  return {
    apps,
    follow: follow === true,
    ...(typeof since === 'string' && { since: journalTime('since', since) }),
    ...(typeof until === 'string' && { until: journalTime('until', until) }),
    ...(typeof lines === 'string' ? { lines: countOf(lines) } : since === undefined && { lines: 100 }),
    ...(typeof process === 'string' && { process: named('process', process, /^[a-z][a-z0-9_-]*$/i, 'web') }),
    ...(typeof release === 'string' && { release: named('release', release, /^v\d{1,9}$/, 'v41') }),
    ...(typeof grep === 'string' && { grep: patternOf(grep) }),
  };
}

function named(option: string, text: string, form: RegExp, example: string): string {
  if (form.test(text)) return text;
  throw wrongUsage(`--${option} ${JSON.stringify(text)} names none`, `write it such as ${example}`);
}

/** Also what journalctl would take, Perl's, is refused where JavaScript does not know it: both logs take the same. */
function patternOf(text: string): string {
  try {
    new RegExp(text, 'u');
    return text;
  } catch (error) {
    throw wrongUsage(
      `--grep: ${(error as Error).message}`,
      'write a regular expression such as "time(d )?out"',
    );
  }
}

const AGE_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function momentOf(option: string, text: string | true | undefined): Moment | null {
  if (typeof text !== 'string') return null;
  const [, digits, unit = ''] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  if (digits !== undefined) return { agoMs: Number(digits) * (AGE_MS[unit] as number) };
  if (/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?$/.test(text)) {
    return { at: text.length === 10 ? `${text} 00:00` : text.replace('T', ' ') };
  }
  throw wrongUsage(
    `--${option} ${JSON.stringify(text)} is neither an age nor a time`,
    'write 30s, 10m, 1h, 2d or "2026-03-01 12:00"',
  );
}

function journalTime(option: string, text: string): string {
  const moment = momentOf(option, text) as Moment;
  return 'agoMs' in moment ? `-${moment.agoMs / 1000}s` : moment.at;
}

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_LINES) return count;
  throw wrongUsage(
    `--lines ${JSON.stringify(text)} is not a number from 1 to ${MAX_LINES}`,
    'for more, use --since',
  );
}

function wrongUsage(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
