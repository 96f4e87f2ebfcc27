import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import type { ErrorView } from './events.ts';
import type { Host } from './host.ts';
import { holder, type RunInfo } from './runs.ts';

/**
 * What was ever done to the machine, `/var/lib/berth/history.ndjson`: a line when a run begins and one when it ends,
 * only ever appended. A run whose end is missing and that holds the machine no more was killed. No value of a
 * variable is in it.
 */
type Line = ({ at: string; begun: Begun } | { at: string; ended: Ended }) & { id: string };

type Begun = Omit<RunInfo, 'id' | 'since' | 'orphaned'>;
type Ended = { result: string; message?: string; release?: number; seconds: number };

/** How a run ended. */
export type Outcome = { ok: true; value: unknown } | { ok: false; error: ErrorView };

/** One run, as `berth history` shows it. */
export type HistoryEntry = Begun & {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  /** `done`, `unchanged`, `running`, `run_died` where it was killed, or the code of its error. */
  result: string;
  message: string | null;
  release: number | null;
  seconds: number | null;
};

export const historyPath = '/var/lib/berth/history.ndjson';

/** Writes down that a run has begun. */
export function begun({ id, since, orphaned: _, ...run }: RunInfo): void {
  append({ id, at: since, begun: run });
}

/** Writes down how a run has ended. */
export function finished(run: RunInfo, outcome: Outcome): void {
  const seconds = Math.round(Date.now() - Date.parse(run.since)) / 1000;
  append({ id: run.id, at: new Date().toISOString(), ended: { ...resultOf(outcome), seconds } });
}

function resultOf(outcome: Outcome): Omit<Ended, 'seconds'> {
  if (!outcome.ok) return { result: outcome.error.code, message: firstLine(outcome.error.message) };
  const { release, changed } = Object(outcome.value) as { release?: number; changed?: boolean };
  return {
    result: changed === false ? 'unchanged' : 'done',
    ...(typeof release === 'number' && { release }),
  };
}

function firstLine(text: string): string {
  return (text.split('\n')[0] as string).slice(0, 300);
}

/** On disk when it returns. A full disk must not end the run, which has its own say about that. */
function append(line: Line): void {
  try {
    mkdirSync('/var/lib/berth', { recursive: true, mode: 0o755 });
    const file = openSync(historyPath, 'a+', 0o600);
    try {
      // A power cut may have left half a line: the next one begins anew.
      writeSync(file, `${endsWhole(file) ? '' : '\n'}${JSON.stringify(line)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function endsWhole(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.toString() === '\n');
}

/** The newest runs, the newest first. */
export async function history(
  { limit }: { limit: number },
  { host }: { host: Host },
): Promise<HistoryEntry[]> {
  const running = (await holder(undefined, { host }))?.id;
  const text = (await host.read(historyPath)) ?? '';
  return entriesOf(text, running).slice(-limit).reverse();
}

/** Every run in the order in which they began. */
export function entriesOf(text: string, running: string | undefined): HistoryEntry[] {
  const entries = new Map<string, HistoryEntry>();
  for (const line of text.split('\n').flatMap(parseLine)) {
    const entry = entries.get(line.id);
    if ('begun' in line) {
      const open = { message: null, release: null, seconds: null };
      const result = line.id === running ? 'running' : 'run_died';
      entries.set(line.id, { id: line.id, at: line.at, ...line.begun, result, ...open });
    } else if (entry) Object.assign(entry, line.ended);
  }
  return [...entries.values()];
}

function parseLine(line: string): Line[] {
  try {
    return [JSON.parse(line) as Line];
  } catch {
    return [];
  }
}
