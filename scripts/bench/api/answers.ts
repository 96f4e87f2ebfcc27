import assert from 'node:assert/strict';
import type { Contender } from './contenders.ts';
import type { Request } from './load.ts';

/** Differs from answer to answer by its nature. */
const OWN = ['date', 'x-request-id'];

/** Throws unless both give the same status, headers and bytes for each of these requests. */
export async function assertSameAnswers(a: Contender, b: Contender, requests: Request[]): Promise<void> {
  for (const request of requests) {
    const answers = await Promise.all([a, b].map((contender) => answerOf(contender, request)));
    assert.equal(
      answers[0],
      answers[1],
      `${a.name} and ${b.name} differ on ${request.method} ${request.path}`,
    );
  }
}

async function answerOf(contender: Contender, request: Request): Promise<string> {
  const reply = await ask(contender, request);
  const headers = [...reply.headers]
    .filter(([name]) => !OWN.includes(name))
    .map((header) => header.join(': '));
  return [reply.status, ...headers.sort(), '', await reply.text()].join('\n');
}

/** Throws unless both give the same JSON for each of these requests. */
export async function assertSameJson(a: Contender, b: Contender, requests: Request[]): Promise<void> {
  for (const request of requests) {
    const [one, other] = await Promise.all([a, b].map((contender) => ask(contender, request)));
    assert.deepEqual(
      await other?.json(),
      await one?.json(),
      `${b.name} differs on ${request.method} ${request.path}`,
    );
  }
}

function ask({ origin }: Contender, { method, path, token }: Request): Promise<Response> {
  return fetch(origin + path, { method, headers: { Authorization: `Bearer ${token}` } });
}
