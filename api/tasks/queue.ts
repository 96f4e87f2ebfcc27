import type { Logger } from 'pino';

/** What a broker is given of a task: the rest is its row's. */
export interface Message {
  id: number;
  kind: string;
}

/** Takes a message; resolves when the broker may forget it, and rejects where it is to come again later. */
export type Take = (message: Message) => Promise<void>;

/** How long a message can be put off, in milliseconds: a broker has one waiting room each. */
export const DELAYS_MS = [1_000, 5_000, 25_000, 120_000, 600_000] as const;

export type DelayMs = (typeof DELAYS_MS)[number];

/** A broker of task numbers. It may lose none that it has confirmed and may give one twice. */
export interface Queue {
  name: 'postgres' | 'rabbitmq';
  /** Where it has them, as `sent_to` of a row says it: what was sent to another place is sent again. */
  place: string;
  /** Resolves once the broker has them all for good. */
  send(messages: Message[], delayMs?: DelayMs): Promise<void>;
  /** Puts it where nobody takes it up again by itself. */
  park(message: Message): Promise<void>;
  /** Takes it out of there; nothing where it is not. */
  unpark(message: Message): Promise<void>;
  /** Has `take` called for the messages of a kind, `concurrency` at once, until {@link rest}. */
  work(kind: string, concurrency: number, take: Take): Promise<void>;
  /** Whether the broker holds none of this kind that waits to be taken. */
  isEmpty(kind: string): Promise<boolean>;
  /** Takes up no more; what has been taken may still be answered. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export interface QueueOptions {
  log: Logger;
  /** All there are. */
  kinds: string[];
}
