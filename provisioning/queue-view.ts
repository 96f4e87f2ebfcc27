import { BerthError } from './errors.ts';

/** What an application says of its tasks, when its Procfile's `queue` is run with `list --json`. */
export type QueueView = {
  /** Where they wait. */
  queue: 'postgres' | 'rabbitmq';
  connected: boolean;
  /** Accepted, and not yet handed to where they wait. */
  unsent: number;
  kinds: KindRow[];
  held: HeldRow[];
  parked: ParkedRow[];
  /** What a person should know of. */
  warnings: string[];
};

export type KindRow = {
  kind: string;
  /** Those that are to be tried again, too. */
  waiting: number;
  running: number;
  /** Of those that wait: how many have failed before. */
  retrying: number;
  /** How long the oldest that waits has waited; null: none does. */
  oldest_seconds: number | null;
  /** Whether the live release knows what to do with it. */
  known: boolean;
};

/** One that is slow, or has failed before and is to be tried again. */
export type HeldRow = {
  id: number;
  kind: string;
  status: string;
  attempts: number;
  age_seconds: number;
  error: string | null;
};

/** One that is given up until somebody has it done again, or drops it. */
export type ParkedRow = {
  id: number;
  kind: string;
  attempts: number;
  error: string | null;
  failed_at: string;
};

type Shape = Record<string, (value: unknown) => boolean>;

const text = (value: unknown) => typeof value === 'string';
const count = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const seconds = (value: unknown) => typeof value === 'number' && value >= 0;
const flag = (value: unknown) => typeof value === 'boolean';
const orNull = (fits: Shape[string]) => (value: unknown) => value === null || fits(value);
const list = (fits: Shape[string]) => (value: unknown) => Array.isArray(value) && value.every(fits);
const object = (shape: Shape) => (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(shape).every(([key, fits]) => fits((value as Record<string, unknown>)[key]));

const task = { id: count, kind: text, attempts: count, error: orNull(text) };
const isView = object({
  queue: (value) => value === 'postgres' || value === 'rabbitmq',
  connected: flag,
  unsent: count,
  kinds: list(
    object({
      kind: text,
      waiting: count,
      running: count,
      retrying: count,
      oldest_seconds: orNull(seconds),
      known: flag,
    }),
  ),
  held: list(object({ ...task, status: text, age_seconds: seconds })),
  parked: list(object({ ...task, failed_at: text })),
  warnings: list(text),
});

/**
 * Reads what the application has printed.
 *
 * @throws BerthError `queue_unreadable`
 */
export function parseQueue(printed: string): QueueView {
  const value = parsed(printed);
  if (isView(value)) return value as QueueView;
  throw new BerthError(
    'queue_unreadable',
    `queue of the Procfile has not printed what \`list --json\` shall print: ${printed.trim().slice(0, 200)}`,
    'the README says its form under "Background work"',
  );
}

function parsed(printed: string): unknown {
  try {
    return JSON.parse(printed);
  } catch {
    return undefined;
  }
}
