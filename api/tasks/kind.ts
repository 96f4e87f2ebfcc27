import type Joi from 'joi';
import type { Db } from '../db.ts';

/** A task at work. */
export interface Running<Payload> {
  id: number;
  /** Null: a schedule's. */
  ownerId: number | null;
  payload: Payload;
  /** Grows with each start of the task: what a start leaves that did not finish can be told from what the last one has. */
  run: number;
  db: Db;
  /** Aborted when the task takes too long and when its worker has to end; what goes on after that is not heard. */
  signal: AbortSignal;
  /** Tells who waits how far it is, in percent. Asked often, it tells now and then. */
  progress(percent: number): void;
}

/**
 * Writes what the task leaves in the database, and returns its result. Both are kept together or not at all, so that they
 * happen once, however often the task was started.
 */
export type Finish<Result> = (transaction: Db) => Result | Promise<Result>;

/**
 * A kind of task: one file in `kinds/`, which exports it as `kind`. What it does before its {@link Finish} may happen
 * again, as a worker can end at any moment.
 */
export interface Kind<Payload = unknown, Result = unknown> {
  name: string;
  /** What it does, for the contract. */
  description: string;
  /** Of the payload's shape: raised with it, and `upgrade` then takes the earlier ones. Default 1. */
  version?: number;
  payload: Joi.ObjectSchema<Payload>;
  /** A payload of an earlier version in this one's shape. */
  upgrade?(payload: unknown, version: number): unknown;
  /** How many of it a worker does at once. Default 10. */
  concurrency?: number;
  /** How often it is tried before it is parked. Default 5. */
  attempts?: number;
  /** How long one try may take, at most 25 minutes: RabbitMQ takes a task back after 30. Default 10 minutes. */
  timeoutMs?: number;
  /** The result as its owner is to see it. Default: as it is. */
  present?(result: Result, task: Presented): unknown;
  run(task: Running<Payload>): Promise<Finish<Result>>;
}

/** Thrown by a task that cannot be done however often it is tried; its owner is told the message. */
export class TaskError extends Error {
  override name = 'TaskError';
}

/** Of a task whose result is shown. */
export interface Presented {
  id: number;
  /** A link to a path of the API that needs no token for so long. */
  sign(path: string, seconds: number): string;
}

/** Declares a kind: `run` is checked against the type of `payload`, and `present` against what `run` comes to. */
export function defineKind<Payload, Result>(kind: Kind<Payload, Result>): Kind {
  return kind as unknown as Kind;
}

export const versionOf = ({ version = 1 }: Kind): number => version;
export const attemptsOf = ({ attempts = 5 }: Kind): number => attempts;
export const timeoutOf = ({ timeoutMs = 600_000 }: Kind): number => timeoutMs;
export const concurrencyOf = ({ concurrency = 10 }: Kind): number => concurrency;
