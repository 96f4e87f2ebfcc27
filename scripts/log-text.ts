import { type AccessEntry, accessText } from '../provisioning/access-line.ts';
import type { LogEntry } from './journal.ts';
import { neutral, type Paint } from './terminal.ts';

/** A line as pino writes it (https://getpino.io): what it says, how grave it is, and what else is in it. */
export type Structured = { level: string; message: string; fields: Record<string, unknown> };

const LEVELS: Record<number, string> = {
  ...{ 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' },
};

/** null for a line that is plain text. */
export function structured(text: string): Structured | null {
  if (!text.startsWith('{"level":')) return null;
  try {
    const {
      level,
      time: _time,
      pid: _pid,
      hostname: _hostname,
      release: _release,
      msg,
      ...fields
    } = JSON.parse(text);
    return { level: LEVELS[level] ?? String(level), message: String(msg ?? ''), fields };
  } catch {
    return null;
  }
}

/** `2026-03-01T12:00:00.000Z web v6 info request done status=200`; a plain line stands as it is after the release. */
export function logText(entry: LogEntry, paint: Paint, { named }: { named: boolean }): string {
  const { at, app, process, release, text } = entry;
  const who = neutral(named ? `${app}/${process}` : process);
  const head = [paint('dim', at), paint('cyan', who), ...(release ? [neutral(release)] : [])].join(' ');
  const line = structured(text);
  if (line === null) return `${head} ${neutral(text)}\n`;
  const { level, message, fields } = line;
  const { err, ...rest } = fields;
  const values = Object.entries(rest).map(([key, value]) => `${key}=${shown(value)}`);
  const said = [painted(level, paint), neutral(message), paint('dim', neutral(values.join(' ')))];
  return `${head} ${said.filter(Boolean).join(' ').trimEnd()}\n${stackOf(err)}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** An error on lines of its own, as Node prints it. */
function stackOf(error: unknown): string {
  if (error === undefined) return '';
  const { stack } = (error ?? {}) as { stack?: unknown };
  const lines = (typeof stack === 'string' ? stack : JSON.stringify(error)).split('\n');
  return lines.map((line) => `    ${neutral(line)}\n`).join('');
}

function painted(level: string, paint: Paint): string {
  if (level === 'error' || level === 'fatal') return paint('red', level);
  return level === 'warn' ? paint('yellow', level) : neutral(level);
}

/** A request on one line, red where the server failed and yellow where the client did. */
export function requestText(entry: AccessEntry, paint: Paint): string {
  const text = neutral(accessText(entry));
  if (entry.status >= 500) return `${paint('red', text)}\n`;
  return `${entry.status >= 400 ? paint('yellow', text) : text}\n`;
}
