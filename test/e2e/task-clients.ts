import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { TaskTrial } from './task-trial.ts';

/** A task that was answered 202 at `at`, to a request that was sent at `sentAt`, the `tries`th. */
export type Accepted = { id: number; sentAt: number; at: number; tries: number };

export type Submission = {
  kind: string;
  /** Of the nth task. */
  payload?: (n: number) => object;
  tasks: number;
  clients: number;
  /** In all; 0: as many as it takes. */
  perSecond?: number;
  /** Told of all so far with each that is answered. */
  onAccepted?: (accepted: Accepted[]) => void;
};

/** Who waits for an answer longer than this asks again. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 100;

/**
 * Clients that each keep one connection and submit one task after the other, each with an Idempotency-Key of its own, by
 * which they ask again until they are answered 202. Rejects where an answer says that asking again is no use.
 */
export async function submitTasks(
  { status, token }: Pick<TaskTrial, 'status' | 'token'>,
  { kind, payload = () => ({}), tasks, clients, perSecond = 0, onAccepted = () => {} }: Submission,
): Promise<Accepted[]> {
  const url = new URL('/api/tasks', status.url);
  const ca = readFileSync(status.ca, 'utf8');
  const accepted: Accepted[] = [];
  const everyMs = perSecond === 0 ? 0 : (clients * 1000) / perSecond;
  let next = 0;

  async function client(first: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
    for (let due = performance.now() + (everyMs * first) / clients; next < tasks; ) {
      const body = JSON.stringify({ kind, payload: payload(next++) });
      await wait(Math.max(0, due - performance.now()));
      due = Math.max(due + everyMs, performance.now());
      const headers = {
        ...{ authorization: `Bearer ${token}`, 'idempotency-key': randomUUID() },
        ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      };
      accepted.push(await insist(url, { method: 'POST', agent, headers }, body));
      onAccepted(accepted);
    }
    agent.destroy();
  }

  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
  return accepted;
}

async function insist(url: URL, options: RequestOptions, body: string): Promise<Accepted> {
  for (let tries = 1; ; tries += 1) {
    const sentAt = Date.now();
    const answer = await send(url, options, body);
    if (answer?.status === 202) return { id: JSON.parse(answer.text).id, sentAt, at: Date.now(), tries };
    if (answer && answer.status < 500) throw new Error(`${answer.status}: ${answer.text.slice(0, 200)}`);
    await wait(AGAIN_MS);
  }
}

/** Undefined: there was no whole answer. */
function send(url: URL, options: RequestOptions, body: string) {
  return new Promise<{ status: number; text: string } | undefined>((resolve) => {
    const asked = request(url, { ...options, timeout: PATIENCE_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('error', () => resolve(undefined));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end(body);
  });
}
