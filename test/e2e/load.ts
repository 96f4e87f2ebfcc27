import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { Agent, request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { longClients } from './long-requests.ts';
import { newTally, type Tally } from './tally.ts';

export type Load = { tally: Tally; stop(): Promise<void> };

export type LoadOptions = {
  url: string;
  ca: string;
  /** What its certificate is for, where that is not in `url`. */
  servername?: string;
  token: string;
  /** Clients that keep their connection, and as many that open one for each request; a quarter speaks HTTP/2. */
  clients: number;
  /** Requests a second in all; 0: as many as it takes. A computer that is busy with the clients measures them. */
  perSecond: number;
  /** Slow requests, slow uploads and event streams besides, each as many; they need `long-routes.ts`. */
  long: number;
};

type Kind = { method: 'GET' | 'POST'; path: string; status: number };
type Reply = { status: number; release: string; text: string };
type Client = { send: Send; fresh: boolean };
type Send = (kind: Kind, body: string | undefined) => Promise<Reply>;

const kinds: Kind[] = [
  { method: 'GET', path: '/api/livez', status: 200 },
  { method: 'GET', path: '/api/posts?limit=5', status: 200 },
  { method: 'POST', path: '/api/posts', status: 201 },
];

/** Asks the machine without end, each client one request after the other, and checks every answer. */
export function startLoad(options: LoadOptions): Load {
  const { url, token, clients, perSecond, long, servername } = options;
  const authority = readFileSync(options.ca, 'utf8');
  const trust = { ca: authority, ...(servername === undefined ? {} : { servername }) };
  const tally = newTally();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const everyMs = perSecond === 0 ? 0 : (2 * clients * 1000) / perSecond;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const agents: Agent[] = [];
  const over1 =
    (agent: Agent | false): Send =>
    (kind, body) =>
      ask1(new URL(kind.path, url), kind, body, { ...trust, agent, headers });

  async function client({ send, fresh }: Client, first: number): Promise<void> {
    let due = performance.now() + (everyMs * first) / (2 * clients);
    for (let turn = first; !stop.signal.aborted; turn += 1) {
      await wait(Math.max(0, due - performance.now()), undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return;
      due = Math.max(due + everyMs, performance.now());
      await once(send, kinds[turn % kinds.length] as Kind, fresh);
    }
  }

  async function once(send: Send, kind: Kind, fresh: boolean): Promise<void> {
    const title = `load ${randomUUID()}`;
    const began = performance.now();
    tally.requests += 1;
    try {
      const body = kind.method === 'POST' ? JSON.stringify({ title, content: 'load' }) : undefined;
      check(await send(kind, body), kind, title, tally);
      tally.latencies.push({ at: Date.now(), ms: performance.now() - began });
    } catch (error) {
      tally.failures.push({
        at: Date.now(),
        what: `${kind.method} ${kind.path}: ${(error as Error).message}`,
        fresh,
      });
    }
  }

  const keeping = Array.from({ length: clients }, (_, index) => {
    if (index % 4 === 3) return over2(url, trust, headers);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    return over1(agent);
  });
  const fresh = Array.from({ length: clients }, () => over1(false));
  const all = [...keeping, ...fresh].map((send, index) => client({ send, fresh: index >= clients }, index));
  const others = longClients({ url, ca: authority, tally, count: long, stop: stop.signal });
  return {
    tally,
    async stop() {
      stop.abort();
      await Promise.all([...all, ...others]);
      for (const agent of agents) agent.destroy();
      for (const session of sessions.splice(0)) session.close();
    },
  };
}

function check({ status, release, text }: Reply, kind: Kind, title: string, { releases }: Tally): void {
  const { method, path, status: expected } = kind;
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${text.slice(0, 200)}`);
  const body = JSON.parse(text) as { release?: string; title?: string };
  const right =
    method === 'POST'
      ? body.title === title
      : path === '/api/livez'
        ? body.release === release
        : Array.isArray(body) && body.length === 5;
  if (!right) throw new Error(`wrong answer of ${release}: ${text.slice(0, 200)}`);
  const last = Date.now();
  releases.set(release, { first: releases.get(release)?.first ?? last, last });
}

function ask1(url: URL, { method }: Kind, body: string | undefined, options: object): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, timeout: 20_000, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, release: String(answer.headers['x-release']), text }),
      );
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 20 s')));
    asked.on('error', reject);
    asked.end(body);
  });
}

const sessions: ClientHttp2Session[] = [];

/**
 * One HTTP/2 connection, opened anew when the server has asked to leave it (GOAWAY). A stream that it refuses was not
 * looked at and is asked for again, as browsers and curl do (RFC 9113 8.7).
 */
function over2(url: string, trust: object, headers: object): Send {
  let session: ClientHttp2Session | undefined;
  const send: Send = ({ method, path }, body) => {
    if (!session || session.closed || session.destroyed) {
      session = connect(url, trust);
      session.on('error', () => {}); // each stream says so itself
      session.on('goaway', () => session?.close());
      sessions.push(session);
    }
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    return new Promise<Reply>((resolve, reject) => {
      let text = '';
      let head: Record<string, unknown> = {};
      stream.setEncoding('utf8').setTimeout(20_000, () => stream.destroy(new Error('no answer within 20 s')));
      stream.on('response', (received) => {
        head = received;
      });
      stream.on('data', (part: string) => {
        text += part;
      });
      stream.on('error', reject);
      stream.on('end', () =>
        resolve({ status: Number(head[':status']), release: String(head['x-release']), text }),
      );
      stream.end(body);
    });
  };
  return async (kind, body) => {
    try {
      return await send(kind, body);
    } catch (error) {
      if (!/NGHTTP2_REFUSED_STREAM/.test(String(error))) throw error;
      session?.close();
      return send(kind, body);
    }
  };
}
