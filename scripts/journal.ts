/** What of an application's log is asked for. */
export type JournalQuery = {
  apps: string[];
  follow: boolean;
  /** How many of the newest entries; undefined: all since `since`. */
  lines?: number;
  /** As journalctl takes it, e.g. `-3600s` or `2026-03-01 12:00`. */
  since?: string;
  until?: string;
  /** A process of the Procfile, or `systemd` or `pm2`. */
  process?: string;
  /** `v41`. */
  release?: string;
  /** A Perl regular expression; without a capital letter in it, capitals do not matter. */
  grep?: string;
};

export type LogEntry = {
  /** ISO 8601, UTC. */
  at: string;
  app: string;
  /** Of the Procfile; `pm2` and `systemd` for what those say of it. */
  process: string;
  /** `v41`; empty where it is not known. */
  release: string;
  text: string;
};

const fields = 'MESSAGE,SYSLOG_IDENTIFIER,_UID,_SYSTEMD_UNIT,UNIT';

/**
 * Runs journalctl on the machine, which alone knows what some of its arguments stand for: `_UID=@api` is that
 * user's number, and `SYSLOG_IDENTIFIER=*@v41` or `UNIT=api@*.service` all that the journal has of that form. It says the numbers first.
 */
const script = `set -f
for a; do
  case $a in
    _UID=@*)
      uid=$(id -u "\${a#*@}") || exit 3
      printf '{"berth_uid":"%s","app":"%s"}\\n' "$uid" "\${a#*@}"
      set -- "$@" "_UID=$uid" ;;
    [A-Z]*=*\\**)
      set -- "$@" "$a"
      for known in $(journalctl --quiet --field="\${a%%=*}"); do
        case $known in \${a#*=}) set -- "$@" "\${a%%=*}=$known" ;; esac
      done ;;
    *) set -- "$@" "$a" ;;
  esac
  shift
done
exec journalctl "$@"`;

/** The command line for everything that the applications and systemd about them said, as JSON. */
export function journalArgv(query: JournalQuery): string[] {
  const { since, until, grep, follow, lines } = query;
  const backwards = readsBackwards(query);
  return [
    ...['sh', '-c', script, 'berth'],
    ...['--no-pager', '--quiet', '--all', '--output=json', `--output-fields=${fields}`],
    ...(follow ? ['--follow'] : []),
    ...(lines === undefined || backwards ? ['--no-tail'] : [`--lines=${lines}`]),
    ...(backwards ? ['--reverse'] : []),
    ...(since === undefined ? [] : [`--since=${since}`]),
    ...(until === undefined ? [] : [`--until=${until}`]),
    ...(grep === undefined ? [] : [`--grep=${grep}`]),
    ...query.apps.flatMap((app, index) => [...(index === 0 ? [] : ['+']), ...matches(app, query)]),
  ];
}

/**
 * All matches in a row are to hold, or one of those of the same field; those after a `+` are another way. A process
 * that ends at once has no unit in the journal, since journald looked it up too late, but always a user; and only a
 * user follows to the next release.
 */
function matches(app: string, { process = '*', release = '*', follow }: JournalQuery): string[] {
  const its = `_UID=@${app}`;
  const systemd = bySystemd(app, release);
  if (process === 'systemd') return systemd;
  // Identifiers that come later are not known yet; and pm2 speaks in the name of what it started.
  const open = process === 'pm2' || (follow && (process === '*' || release === '*'));
  const all = open || (process === '*' && release === '*');
  const said = all ? [its] : [its, `SYSLOG_IDENTIFIER=${process}@${release}`];
  return process === '*' ? [...said, '+', ...systemd] : said;
}

/** What systemd says of the units; before version 253 it does not add their fields, and names the unit alone. */
function bySystemd(app: string, release: string): string[] {
  const number = release.replace(/^v/, '');
  const units = [`${app}@${number}`, `${app}-release@${number}`];
  const others = release === '*' ? [app, `${app}-workers`] : [];
  return [
    ...[`BERTH_APP=${app}`, 'SYSLOG_IDENTIFIER=systemd'],
    ...(release === '*' ? [] : [`BERTH_RELEASE=${release}`]),
    ...['+', ...[...units, ...others].map((unit) => `UNIT=${unit}.service`)],
  ];
}

/** Whether the newest come first, to be read until there are enough: journalctl would count what is left out, too. */
export function readsBackwards({ follow, lines, process, release, grep }: JournalQuery): boolean {
  return !follow && lines !== undefined && [process, release, grep].some((each) => each !== undefined);
}

/** The journal's lines in the order in which they come, as entries; null for what is none of the applications'. */
export function createParser(): (line: string) => LogEntry | null {
  const users = new Map<string, string>();
  return (line) => {
    const said = JSON.parse(line);
    if (said.berth_uid === undefined) return parseEntry(said, users);
    users.set(said.berth_uid, said.app);
    return null;
  };
}

/** One line of journalctl's JSON (https://systemd.io/JOURNAL_EXPORT_FORMATS/). */
function parseEntry(said: Record<string, unknown>, users: Map<string, string>): LogEntry | null {
  const { MESSAGE, SYSLOG_IDENTIFIER, __REALTIME_TIMESTAMP } = said;
  // Any program may send the fields that were asked for; those with an underscore are journald's own.
  const unit =
    said._SYSTEMD_UNIT === 'init.scope'
      ? /^(.*?)(?:(?:-release)?@(\d+)|-workers)?\.service$/.exec(String(said.UNIT))
      : null;
  const app = unit ? unit[1] : users.get(String(said._UID));
  if (typeof app !== 'string') return null;
  // Text that is not UTF-8 arrives as an array of bytes.
  const text = Array.isArray(MESSAGE) ? Buffer.from(MESSAGE).toString('utf8') : String(MESSAGE ?? '');
  const [process = '', release = ''] = String(SYSLOG_IDENTIFIER).split('@');
  return {
    at: new Date(Number(__REALTIME_TIMESTAMP) / 1000).toISOString(),
    app,
    process: isOfPm2(text) ? 'pm2' : process,
    release: release || (unit?.[2] ? `v${unit[2]}` : ''),
    text,
  };
}

export function isWanted(query: JournalQuery, entry: LogEntry): boolean {
  return (
    (query.process === undefined || entry.process === query.process) &&
    (query.release === undefined || entry.release === query.release)
  );
}

function isOfPm2(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: PM2 /.test(text);
}
