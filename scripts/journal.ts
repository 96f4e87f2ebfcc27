import { neutral, type Paint } from './terminal.ts';

export type JournalQuery = {
  apps: string[];
  follow: boolean;
  /** How many of the newest entries; undefined: all since `since`. */
  lines?: number;
  /** As journalctl takes it, e.g. `-3600s` or `2026-03-01 12:00`. */
  since?: string;
};

export type LogEntry = { at: string; unit: string; text: string };

/** journalctl for everything that the applications' units said, as JSON, oldest first. */
export function journalArgv({ apps, follow, lines, since }: JournalQuery): string[] {
  return [
    ...[
      'journalctl',
      '--no-pager',
      '--quiet',
      '--all',
      '--output=json',
      '--output-fields=MESSAGE,_SYSTEMD_UNIT,UNIT',
    ],
    ...(follow ? ['--follow'] : []),
    ...(lines === undefined ? ['--no-tail'] : [`--lines=${lines}`]),
    ...(since === undefined ? [] : [`--since=${since}`]),
    ...apps.flatMap(unitsOf).map((unit) => `--unit=${unit}.service`),
  ];
}

function unitsOf(app: string): string[] {
  return [`${app}@*`, `${app}-workers`, `${app}-release@*`, app];
}

/** One line of journalctl's JSON (https://systemd.io/JOURNAL_EXPORT_FORMATS/). */
export function parseEntry(line: string): LogEntry {
  const { MESSAGE, UNIT, _SYSTEMD_UNIT, __REALTIME_TIMESTAMP } = JSON.parse(line);
  return {
    at: new Date(Number(__REALTIME_TIMESTAMP) / 1000).toISOString(),
    // What systemd itself says about a unit comes from init.scope and names the unit apart.
    unit: String(UNIT ?? _SYSTEMD_UNIT).replace(/\.service$/, ''),
    // Text that is not UTF-8 arrives as an array of bytes.
    text: Array.isArray(MESSAGE) ? Buffer.from(MESSAGE).toString('utf8') : String(MESSAGE ?? ''),
  };
}

/** `2026-03-01T12:00:00.000Z api@42: listening`. */
export function entryText({ at, unit, text }: LogEntry, paint: Paint): string {
  return `${paint('dim', at)} ${paint('cyan', `${neutral(unit)}:`)} ${neutral(text)}\n`;
}
