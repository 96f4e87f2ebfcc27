import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { BerthError } from '../provisioning/errors.ts';

type Sent = { method: string; path: string; token?: string; body?: unknown };
type Answer = { status: number; body: Record<string, unknown> };

export type Endpoint = {
  /** e.g. `https://10.77.0.2` */
  url: string;
  /** PEM of the authority that its certificate must come from. */
  ca: string;
};

/**
 * Proves that the bundled API works from outside, through nginx and TLS: registers a user, signs in, writes and
 * reads a post, and deletes that user, and with it the post, again.
 *
 * @throws BerthError `proof_failed` naming the request and its answer
 */
export async function proveApi(endpoint: Endpoint): Promise<void> {
  const name = `berth-proof-${randomBytes(6).toString('hex')}`;
  const email = `${name}@example.com`;
  const password = randomBytes(18).toString('base64url');
  const send = (sent: Sent, status: number) => expect(endpoint, sent, status);
  await send({ method: 'POST', path: '/api/users', body: { email, password } }, 201);
  const { body: session } = await send(
    { method: 'POST', path: '/api/login', body: { username: email, password } },
    200,
  );
  const token = String(session.access_token);
  try {
    const { body: post } = await send(
      { method: 'POST', path: '/api/posts', token, body: { title: name, content: name } },
      201,
    );
    const { body: read } = await send({ method: 'GET', path: `/api/posts/${post.id}`, token }, 200);
    if (read.title !== name)
      throw failed('GET /api/posts', `another title than the one written: ${read.title}`);
  } finally {
    await send({ method: 'DELETE', path: '/api/users/me', token }, 204);
  }
}

async function expect(endpoint: Endpoint, sent: Sent, status: number): Promise<Answer> {
  const what = `${sent.method} ${endpoint.url}${sent.path}`;
  const answer = await ask(endpoint, sent).catch((error: Error) => {
    throw failed(what, error.message, error);
  });
  if (answer.status === status) return answer;
  throw failed(what, `${answer.status} instead of ${status}: ${JSON.stringify(answer.body).slice(0, 300)}`);
}

function ask({ url, ca }: Endpoint, { method, path, token, body }: Sent): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, url),
      { method, headers, ca, agent: false, timeout: 15_000 },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parse(text) }));
        answer.on('error', reject);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer within 15 s')));
    asked.on('error', reject);
    asked.end(payload);
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    return { text };
  }
}

function failed(what: string, answer: string, cause?: Error): BerthError {
  return new BerthError(
    'proof_failed',
    `${what} answered ${answer}`,
    'see what the application says: berth logs',
    { cause },
  );
}
