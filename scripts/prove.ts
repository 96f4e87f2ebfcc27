import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { BerthError } from '../provisioning/errors.ts';
import type { AppSettings } from '../provisioning/settings.ts';

type Sent = { method: string; path: string; token?: string; body?: unknown };
type Answer = { status: number; body: Record<string, unknown> };

export type Endpoint = {
  /** The machine, e.g. `https://10.77.0.2`. */
  url: string;
  /** Where it is, whatever its name leads to from here; undefined: where its name leads. */
  address: string | undefined;
  /** PEM of the authorities that its certificate may come from. */
  ca: string[];
};

/** An endpoint as one application's domain names it, which need not lead to the machine yet. */
type Site = Endpoint & { domain: string | undefined };

/**
 * Proves that an application works from outside, through nginx and TLS: its health path, or where nginx does not pass
 * that on, its prefix; and of the bundled API that it registers a user, signs in, writes and reads a post, and deletes
 * that user, and with it the post, again.
 *
 * @throws BerthError `proof_failed` naming the request and its answer
 */
export async function prove(endpoint: Endpoint, { domains, prefix, health }: AppSettings): Promise<void> {
  const site = { ...endpoint, domain: domains[0] };
  if (prefix === '/' || health === prefix || health.startsWith(`${prefix}/`)) {
    await expect(site, { method: 'GET', path: health }, (status) => status === 200);
  } else {
    await expect(site, { method: 'GET', path: prefix }, (status) => status < 500);
  }
  if (await isBundled(site)) await proveApi(site);
}

/** The bundled API's contract names every route of the proof. */
async function isBundled(site: Site): Promise<boolean> {
  const answer = await ask(site, { method: 'GET', path: '/api/openapi.json' }).catch(() => null);
  const paths = answer?.status === 200 ? Object(answer.body.paths) : {};
  return ['/users', '/users/me', '/login', '/posts', '/posts/{id}', '/vote'].every((path) => path in paths);
}

async function proveApi(site: Site): Promise<void> {
  const name = `berth-proof-${randomBytes(6).toString('hex')}`;
  const email = `${name}@example.com`;
  const password = randomBytes(18).toString('base64url');
  const send = (sent: Sent, wanted: number) => expect(site, sent, (status) => status === wanted);
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

async function expect(site: Site, sent: Sent, good: (status: number) => boolean): Promise<Answer> {
  const host = site.domain === undefined ? '' : ` (as ${site.domain})`;
  const what = `${sent.method} ${site.url}${sent.path}${host}`;
  const answer = await ask(site, sent).catch((error: Error) => {
    throw failed(what, error.message, error);
  });
  if (good(answer.status)) return answer;
  throw failed(what, `${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`);
}

function ask({ url, address, ca, domain }: Site, { method, path, token, body }: Sent): Promise<Answer> {
  const at = new URL(path, url);
  const name = domain ?? at.hostname;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    host: domain ?? at.host,
  };
  const named = isIP(name.replace(/^\[|\]$/g, '')) ? {} : { servername: name };
  const there = address === undefined ? {} : { hostname: address };
  return new Promise((resolve, reject) => {
    const asked = request(
      at,
      { method, headers, ca, ...named, ...there, agent: false, timeout: 15_000 },
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
    return text === '' ? {} : Object(JSON.parse(text));
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
