import { BerthError } from '../../provisioning/errors.ts';
import type { Command, Context, Input } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { entryText, type JournalQuery, journalArgv, parseEntry } from '../journal.ts';
import { remote } from '../ssh.ts';
import { nearest } from '../suggest.ts';
import { painter } from '../terminal.ts';

const MAX_LINES = 100_000;

export const command: Command = {
  arguments: [['[app]', 'one application of the hosts file (default: all of them)']],
  options: [
    ['-f, --follow', 'go on with what is said from now on, until Ctrl-C'],
    [
      '--since <age>',
      'only what is younger: 30s, 10m, 1h, 2d or "2026-03-01 12:00" in the machine\'s time zone',
    ],
    ['-n, --lines <count>', 'only the newest lines (default: 100, or all with --since)'],
  ],
  examples: [
    ['berth logs', 'the newest 100 lines'],
    ['berth logs -f api', 'what `api` says, as it says it'],
    ['berth logs --since 1h --json', 'the last hour, for scripts'],
  ],
  async run(context, input) {
    const { settings } = await context.hostFile();
    const query = queryOf(input, Object.keys(settings.apps));
    try {
      await showJournal(context, settings.admin.user, query);
    } catch (error) {
      // The ordinary end of following.
      if (query.follow && context.signal.aborted) return EXIT.interrupted;
      throw error;
    }
    return EXIT.done;
  },
};

async function showJournal(
  { io, report, reach, signal }: Context,
  user: string,
  query: JournalQuery,
): Promise<void> {
  const paint = painter(io.stdout, io.env);
  const argv = ['sudo', '-n', ...journalArgv(query)];
  const onLine = (line: string) => {
    const entry = parseEntry(line);
    report.print(entryText(entry, paint));
    report.data({ type: 'log', ...entry });
  };
  const { code, stderr } = await remote(await reach(), user, argv, { onLine, signal });
  if (code === 0) return;
  throw new BerthError(
    'logs_failed',
    `journalctl ended with code ${code}: ${stderr.trim()}`,
    'berth apply mends the rights of the sudo user',
  );
}

function queryOf({ args: [app], options: { follow, since, lines } }: Input, apps: string[]): JournalQuery {
  return {
    apps: app === undefined ? apps : [knownApp(app, apps)],
    follow: follow === true,
    ...(typeof since === 'string' && { since: sinceOf(since) }),
    ...(typeof lines === 'string' ? { lines: countOf(lines) } : since === undefined && { lines: 100 }),
  };
}

function knownApp(app: string, apps: string[]): string {
  if (apps.includes(app)) return app;
  const meant = nearest(app, apps);
  throw wrongUsage(
    `unknown application ${JSON.stringify(app)}`,
    meant ? `did you mean ${meant}?` : `there are: ${apps.join(', ')}`,
  );
}

function sinceOf(text: string): string {
  const age = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  if (age) return `-${age[1]}${age[2] === 'm' ? 'min' : age[2]}`;
  if (/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?$/.test(text)) return text.replace('T', ' ');
  throw wrongUsage(
    `--since ${JSON.stringify(text)} is neither an age nor a time`,
    'write 30s, 10m, 1h, 2d or "2026-03-01 12:00"',
  );
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
