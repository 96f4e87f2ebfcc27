import { Readable } from 'node:stream';
import type { SeenTask, Watch } from './watch.ts';

/** What a client waits before it comes back, and how often it hears that the line stands. */
const RETRY_MS = 1_000;
const BEAT_MS = 15_000;

/** Of one owner at once, in one process: each holds a connection. */
const MAX_STREAMS = 20;

/** The longest time that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface StreamOptions {
  id: number;
  ownerId: number;
  /** The last revision that the client knows. */
  seen: number;
  /** When the client’s token expires, in seconds since 1970. */
  expires: number;
  present(task: SeenTask): object;
}

/** Undefined: the owner has too many in this process. */
export type OpenStream = (options: StreamOptions) => Readable | undefined;

/** Streams, counted by their owners. */
export function createStreams(watch: Watch): OpenStream {
  const open = new Map<number, number>();
  return (options) => {
    const { ownerId } = options;
    const others = open.get(ownerId) ?? 0;
    if (others >= MAX_STREAMS) return undefined;
    open.set(ownerId, others + 1);
    return streamOf(watch, options).once('close', () => {
      const left = (open.get(ownerId) as number) - 1;
      if (left > 0) open.set(ownerId, left);
      else open.delete(ownerId);
    });
  };
}

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) of one task: how it is now, unless
 * that has been seen, and each change. The stream ends with the task, with the token and when the process has to: the client
 * comes back with the number of the last event.
 */
function streamOf(watch: Watch, { id, seen, expires, present }: StreamOptions): Readable {
  const stream = new Readable({ read() {} });
  const send = (text: string) => stream.push(`${text}\n\n`);
  const stop = () => {
    unfollow();
    clearInterval(beat);
    clearTimeout(expiry);
  };
  const end = () => {
    stop();
    stream.push(null);
  };
  const beat = setInterval(send, BEAT_MS, ':');
  // One more: a timer may be early by a part of a millisecond, and the token is good until its end.
  const expiry = setTimeout(end, Math.min(expires * 1000 - Date.now() + 1, MAX_TIMER_MS));
  const unfollow = watch.follow(id, {
    changed(task) {
      if (task && task.revision > seen)
        send(`id: ${task.revision}\nevent: task\ndata: ${JSON.stringify(present(task))}`);
      if (!task || task.finished_at !== null) end();
    },
    end,
  });
  send(`retry: ${RETRY_MS}`);
  return stream.once('close', stop);
}
