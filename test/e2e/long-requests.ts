import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { Tally } from './tally.ts';

export type LongOptions = { url: string; ca: string; tally: Tally; count: number; stop: AbortSignal };

/** `count` clients of each kind that take seconds: answers after 10 s, uploads of 4 s, event streams without end. */
export function longClients(options: LongOptions): Promise<void>[] {
  const { tally, count, stop } = options;
  const again = async (what: string, act: () => Promise<void>, index: number) => {
    await wait(index * 1000, undefined, { signal: stop }).catch(() => {});
    while (!stop.aborted) {
      await act().catch((error: Error) => {
        if (!stop.aborted) tally.failures.push({ at: Date.now(), what: `${what}: ${error.message}` });
      });
    }
  };
  return Array.from({ length: count }, (_, index) => [
    again('slow answer', () => slowAnswer(options), index),
    again('slow upload', () => slowUpload(options), index),
    again('event stream', eventStream(options), index),
  ]).flat();
}

async function slowAnswer({ tally, ...options }: LongOptions): Promise<void> {
  const nonce = randomUUID();
  const answer = await send(options, 'GET', `/api/long/slow?ms=10000&nonce=${nonce}`);
  const body = JSON.parse(await textOf(answer)) as { nonce: string };
  if (body.nonce !== nonce) throw new Error(`an answer to somebody else: ${body.nonce}`);
  tally.long.slow += 1;
}

/** 80 KiB, a piece every 100 ms: a flip finds it somewhere in the middle. */
async function slowUpload({ tally, ...options }: LongOptions): Promise<void> {
  const pieces = Array.from({ length: 40 }, () => randomBytes(2048));
  async function* slowly() {
    for (const piece of pieces) {
      await wait(100);
      yield piece;
    }
  }
  const answer = await send(options, 'POST', '/api/long/upload', slowly());
  const body = JSON.parse(await textOf(answer)) as { digest: string };
  const digest = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');
  if (body.digest !== digest) throw new Error('the upload did not arrive whole');
  tally.long.uploads += 1;
}

const leaveAfterMs = 60_000;

/**
 * Follows a stream as a browser does: when it ends it connects anew and names the last event that it has. After some
 * time it leaves by itself, since people come and go.
 */
function eventStream({ tally, stop, ...options }: LongOptions): () => Promise<void> {
  let last = 0;
  return async () => {
    const headers = { 'last-event-id': String(last) };
    const answer = await send({ ...options, stop }, 'GET', '/api/long/events', undefined, headers);
    tally.long.streams += 1;
    const leavesAt = Date.now() + leaveAfterMs;
    for await (const event of eventsOf(answer)) {
      const id = Number(event.match(/^id: (\d+)$/m)?.[1]);
      if (id !== last + 1) throw new Error(`event ${id} after ${last}`);
      last = id;
      tally.long.events += 1;
      if (Date.now() > leavesAt) return;
    }
    tally.long.ended += 1;
  };
}

/** Throws where the stream ends in the middle of something. */
async function* eventsOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const part of answer.setEncoding('utf8')) {
    const events = (rest + part).split('\n\n');
    rest = events.pop() ?? '';
    yield* events;
  }
  if (rest !== '' || !answer.complete) throw new Error('cut in the middle');
}

type Where = Pick<LongOptions, 'url' | 'ca' | 'stop'>;

function send(
  { url, ca, stop }: Where,
  method: string,
  path: string,
  body?: AsyncIterable<Buffer>,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, url),
      { method, ca, headers, agent: false, signal: stop, timeout: 30_000 },
      (answer) => {
        if (answer.statusCode === 200) resolve(answer);
        else reject(new Error(`${answer.statusCode} instead of 200`));
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('nothing within 30 s')));
    asked.on('error', reject);
    void pour(body, asked).catch(reject);
  });
}

async function pour(
  body: AsyncIterable<Buffer> | undefined,
  into: ReturnType<typeof request>,
): Promise<void> {
  for await (const piece of body ?? []) into.write(piece);
  into.end();
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of answer.setEncoding('utf8')) text += part;
  return text;
}
