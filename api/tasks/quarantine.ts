import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { type Kind, timeoutOf } from './kind.ts';
import type { Started } from './store.ts';
import type { Ending } from './try.ts';

/** How long a process stays without anything to do. */
const IDLE_MS = 10_000;

/** Who waits longer for those before it comes again later: meanwhile others of its kind are done. */
const TURN_MS = 2_000;

/** The process ends what takes too long by itself; one that does not answer by then never does. */
const GRACE_MS = 5_000;

/** What a process is asked. */
export interface Suspect {
  kind: string;
  started: Started;
}

/**
 * Tries tasks in the middle of which a process has ended: in a process of its own for each kind, so that a slow kind holds up
 * no other, and one after the other, so that it is known which one ends it.
 */
export interface Quarantine {
  attempt(kind: Kind, started: Started): Promise<Ending>;
  end(): void;
}

/** `program` reads {@link Suspect}s from its parent and answers each with its {@link Ending}. */
export function createQuarantine(program: string, args: string[], turnMs = TURN_MS): Quarantine {
  const cells = new Map<string, Cell>();
  const start = () => fork(program, args, { serialization: 'json' });
  return {
    attempt(kind, started) {
      const cell = cells.get(kind.name) ?? new Cell(start, turnMs);
      cells.set(kind.name, cell);
      return cell.attempt({ kind: kind.name, started }, timeoutOf(kind) + GRACE_MS);
    },
    end() {
      for (const cell of cells.values()) cell.end();
      cells.clear();
    },
  };
}

class Cell {
  readonly #fork: () => ChildProcess;
  readonly #turnMs: number;
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(fork: () => ChildProcess, turnMs: number) {
    this.#fork = fork;
    this.#turnMs = turnMs;
  }

  async attempt(suspect: Suspect, limitMs: number): Promise<Ending> {
    const before = this.#last.then(() => true);
    const over = Promise.withResolvers<void>();
    this.#last = before.then(() => over.promise);
    try {
      const isNext = await Promise.race([before, after(this.#turnMs, false, { ref: false })]);
      return isNext ? await this.#try(suspect, limitMs) : 'put off';
    } finally {
      over.resolve();
    }
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #try(suspect: Suspect, limitMs: number): Promise<Ending> {
    clearTimeout(this.#idle);
    this.#child ??= this.#start();
    const child = this.#child;
    const over = new AbortController();
    const { signal } = over;
    const answers = once(child, 'message', { signal }).then(([ending]) => ending as Ending);
    const exits = once(child, 'exit', { signal }).then(([code, name]) => died(code, name));
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    try {
      child.send(suspect, () => {});
      return await Promise.race([answers, exits]);
    } finally {
      clearTimeout(limit);
      over.abort();
      this.#idle = setTimeout(() => this.end(), IDLE_MS);
    }
  }

  #start(): ChildProcess {
    const child = this.#fork();
    const forget = () => {
      if (this.#child === child) this.#child = undefined;
    };
    child.once('exit', forget);
    // One that could not be started never exits.
    child.once('error', forget);
    return child;
  }
}

function died(code: number | null, signal: NodeJS.Signals | null): Ending {
  return { failed: `It ended its process: ${signal ?? `exit code ${code}`}` };
}
