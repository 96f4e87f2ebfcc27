import assert from 'node:assert/strict';
import type { Reply } from './client.ts';

/** Asserts that a reply is RFC 9457 problem details with this status and code, and returns its body. */
export function assertProblem(reply: Reply, status: number, code: string) {
  const { body } = reply;
  assert.equal(reply.status, status, JSON.stringify(body));
  assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  assert.equal(body.type, `urn:berth:problem:${code}`);
  assert.equal(body.status, status);
  assert.equal(body.request_id, reply.headers.get('x-request-id'));
  assert.equal(typeof body.title, 'string');
  return body;
}

/** Asserts a 422 about exactly these fields. */
export function assertInvalid(reply: Reply, ...paths: string[]) {
  const body = assertProblem(reply, 422, 'invalid');
  const faulty = new Set(body.errors.map((error: { path: string }) => error.path));
  assert.deepEqual([...faulty], paths);
  for (const { message } of body.errors) assert.match(message, /\S/);
}
