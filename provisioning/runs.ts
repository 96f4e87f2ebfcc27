import { appendFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BerthError } from './errors.ts';
import type { Event } from './events.ts';
import type { Host } from './host.ts';

/**
 * A run that changes the machine: one at a time, since it is the systemd unit `berth-run.service` and systemd
 * starts no second one. What it says is kept on disk, so that an operator who lost the connection reads on.
 */
export type RunInfo = {
  id: string;
  verb: string;
  /** The application that it is about; null: the machine. */
  app: string | null;
  /** What the verb was given, in short and without a value of a variable, e.g. `web=4`. */
  what: string;
  /** `user@computer`. */
  by: string;
  /** Whom they logged in as, and the address that they came from; null: it began on the machine itself. */
  user: string | null;
  from: string | null;
  /** ISO 8601, UTC. */
  since: string;
  /** Its operator's connection is gone; it goes on to its end. */
  orphaned: boolean;
};

export const runUnit = 'berth-run.service';
const runsDirectory = '/var/lib/berth/runs';
const holderPath = '/run/berth/holder.json';
const keep = 20;

/** Who a run is of, as the shell that started it knew. */
export function originOf(env: NodeJS.ProcessEnv): Pick<RunInfo, 'user' | 'from'> {
  return { user: env.BERTH_USER || null, from: env.BERTH_FROM || null };
}

/** Writes down who holds the machine, and returns how its events are kept. */
export function openRun(info: RunInfo): { record: (event: Event) => void; orphan: () => void } {
  for (const path of ['/run/berth', runsDirectory]) mkdirSync(path, { recursive: true, mode: 0o755 });
  saveHolder(info);
  return {
    record(event) {
      try {
        appendFileSync(logOf(info.id), `${JSON.stringify(event)}\n`, { mode: 0o600 });
      } catch {
        // A full disk must not end the run, nor hide what it says to an operator who is there.
      }
    },
    orphan() {
      // Gone where this run has taken Berth away.
      if (existsSync(dirname(holderPath))) saveHolder({ ...info, orphaned: true });
    },
  };
}

/** Keeps the logs of the newest runs. Ids begin with their time, so their names sort by age. */
export async function pruneRuns(): Promise<void> {
  const logs = (await readdir(runsDirectory)).sort();
  for (const name of logs.slice(0, -keep)) await rm(`${runsDirectory}/${name}`, { force: true });
}

/** Who holds the machine; null: nobody. */
export async function holder(_input: unknown, { host }: { host: Host }): Promise<RunInfo | null> {
  const unit = await host.facts.unit(runUnit);
  if (!['active', 'activating', 'deactivating', 'reloading'].includes(unit.active)) return null;
  return JSON.parse((await host.read(holderPath)) ?? 'null') as RunInfo | null;
}

/**
 * Says again what a run said from its event number `from` on, until its end.
 *
 * @throws BerthError `run_died` when it ended without a result
 */
export async function attach(
  { id, from }: { id: string; from: number },
  { host, emit }: { host: Host; emit: (event: Event) => void },
): Promise<unknown> {
  if (!/^[\w-]+$/.test(id)) throw new BerthError('bad_request', `not a run: ${id}`, 'run: npm ci');
  for (let next = from; ; ) {
    host.forget();
    const over = (await holder(undefined, { host }))?.id !== id;
    const lines = ((await host.read(logOf(id))) ?? '').split('\n').slice(0, -1);
    for (const line of lines.slice(next)) {
      const event = JSON.parse(line) as Event;
      if (event.type === 'result') return outcome(event);
      emit(event);
    }
    next = lines.length;
    if (over) throw died(id);
    await wait(100);
  }
}

function outcome(event: Event & { type: 'result' }): unknown {
  if (event.ok) return event.value;
  throw new BerthError(event.error.code, event.error.message, event.error.hint);
}

function died(id: string): BerthError {
  return new BerthError(
    'run_died',
    `the run ${id} on the machine ended without a result: it was killed, or the machine was switched off`,
    'run the same command again: it goes on from where that one stopped',
  );
}

/** What a run said; there is one from its beginning on. */
export function logOf(id: string): string {
  return `${runsDirectory}/${id}.ndjson`;
}

function saveHolder(info: RunInfo): void {
  const partial = `${holderPath}.partial`;
  writeFileSync(partial, JSON.stringify(info), { mode: 0o600 });
  renameSync(partial, holderPath);
}
