import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { Agent, request } from 'node:https';

/** What a load has seen so far. */
export type Tally = {
  requests: number;
  /** No answer, another status than expected, or an answer that does not agree with itself. */
  failures: string[];
  /** Milliseconds of every answer, with when it came. */
  latencies: { at: number; ms: number }[];
  /** When each release was last seen to answer. */
  releases: Map<string, number>;
};

export type Load = { tally: Tally; stop(): Promise<void> };

export type LoadOptions = {
  url: string;
  ca: string;
  token: string;
  /** Clients that keep their connection, and as many that open one for each request; a quarter speaks HTTP/2. */
  clients: number;
};

type Kind = { method: 'GET' | 'POST'; path: string; body?: string; status: number };
type Reply = { status: number; release: string; text: string };
type Send = (kind: Kind) => Promise<Reply>;

const kinds: Kind[] = [
  { method: 'GET', path: '/api/livez', status: 200 },
  { method: 'GET', path: '/api/posts?limit=5', status: 200 },
  {
    method: 'POST',
    path: '/api/posts',
    body: JSON.stringify({ title: 'load', content: 'load' }),
    status: 201,
  },
];

/** Asks the machine without pause, each client one request after the other, and checks every answer. */
export function startLoad({ url, ca, token, clients }: LoadOptions): Load {
  const authority = readFileSync(ca, 'utf8');
  const tally: Tally = { requests: 0, failures: [], latencies: [], releases: new Map() };
  const agent = new Agent({ keepAlive: true, ca: authority });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const over1 =
    (options: object): Send =>
    (kind) =>
      ask1(new URL(kind.path, url), kind, { ...options, ca: authority, headers });
  let running = true;

  async function client(send: Send, first: number): Promise<void> {
    for (let turn = first; running; turn += 1) {
      const kind = kinds[turn % kinds.length] as Kind;
      const began = performance.now();
      tally.requests += 1;
      try {
        check(await send(kind), kind, tally);
        tally.latencies.push({ at: Date.now(), ms: performance.now() - began });
      } catch (error) {
        tally.failures.push(`${kind.method} ${kind.path}: ${(error as Error).message}`);
      }
    }
  }

  const senders: Send[] = Array.from({ length: clients }, (_, index) => {
    return index % 4 === 3 ? over2(url, authority, headers) : over1({ agent });
  });
  const fresh: Send[] = Array.from({ length: clients }, () => over1({ agent: false }));
  const all = [...senders, ...fresh].map((send, index) => client(send, index));
  return {
    tally,
    async stop() {
      running = false;
      await Promise.all(all);
      agent.destroy();
      for (const session of sessions.splice(0)) session.close();
    },
  };
}

function check(
  { status, release, text }: Reply,
  { path, status: expected }: Kind,
  { releases }: Tally,
): void {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${text.slice(0, 200)}`);
  const body = JSON.parse(text) as { release?: string };
  if (path === '/api/livez' && body.release !== release)
    throw new Error(`${release} says that it is ${body.release}`);
  releases.set(release, Date.now());
}

function ask1(url: URL, { method, body }: Kind, options: object): Promise<Reply> {
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

/** One HTTP/2 connection, opened anew when the server has asked to leave it (GOAWAY). */
function over2(url: string, ca: string, headers: object): Send {
  let session: ClientHttp2Session | undefined;
  return ({ method, path, body }) => {
    if (!session || session.closed || session.destroyed) {
      session = connect(url, { ca });
      session.on('error', () => {}); // each stream says so itself
      session.on('goaway', () => session?.close());
      sessions.push(session);
    }
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    return new Promise((resolve, reject) => {
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
}

/** The 99th percentile of the latencies in a span of time, in milliseconds. */
export function p99({ latencies }: Tally, from: number, to: number): number {
  const values = latencies
    .filter(({ at }) => at >= from && at < to)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return values[Math.floor(values.length * 0.99)] ?? Number.NaN;
}
