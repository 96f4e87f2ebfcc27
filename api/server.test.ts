import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { JWT_KEYS } from './testing/api.ts';
import { Client } from './testing/client.ts';
import { assertDocumented } from './testing/conformance.ts';
import { createTestDatabase } from './testing/postgres.ts';
import { type Run, run } from './testing/process.ts';

interface Answer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

describe('node api/server.ts', () => {
  let env: Record<string, string>;
  let directory: string;
  const running: Run[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'api-server-'));
    const DATABASE_URL = await createTestDatabase();
    env = {
      DATABASE_URL,
      JWT_KEYS,
      BCRYPT_COST: '10',
      PORT: join(directory, 'api.sock'),
      LOGIN_LIMIT_ADDRESS: '2',
    };
  });
  afterEach(async () => {
    for (const server of running.splice(0)) {
      server.process.kill('SIGKILL');
      await server.exit;
    }
  });
  after(() => rm(directory, { recursive: true }));

  async function start(overrides: Record<string, string> = {}): Promise<Run> {
    const server = run('api/server.ts', { ...env, ...overrides });
    running.push(server);
    await server.printed(/"listening"/);
    return server;
  }

  /** One request over the unix socket, as nginx makes it. */
  async function send(path: string, { body = '', headers = {}, agent = new Agent() } = {}): Promise<Answer> {
    const method = body ? 'POST' : 'GET';
    const outgoing = request({ socketPath: env.PORT ?? '', path: `/api${path}`, method, agent, headers });
    outgoing.end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const { statusCode: status = 0, headersDistinct } = incoming;
    const answer = { status, headers: incoming.headers, body: await text(incoming) };
    const pairs = Object.entries(headersDistinct).flatMap(([name, values]) =>
      (values ?? []).map((value): [string, string] => [name, value]),
    );
    assertDocumented(
      { method, path: `/api${path}` },
      { status, headers: new Headers(pairs), body: JSON.parse(answer.body) },
    );
    return answer;
  }

  /** A request that runs until its body's last two bytes come. */
  async function halfSent(): Promise<Socket> {
    const socket = createConnection({ path: env.PORT ?? '', allowHalfOpen: true });
    socket.write(
      'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n',
    );
    await once(socket, 'connect');
    await send('/livez');
    return socket;
  }

  const login = (headers: object, agent = new Agent()) =>
    send('/login', {
      body: '{"username":"nobody@example.org","password":"x"}',
      agent,
      headers: { 'Content-Type': 'application/json', ...headers },
    });

  it('listens on a unix socket, also after a SIGKILL has left its file behind', async () => {
    const first = await start();
    assert.equal((await send('/readyz')).status, 200);
    first.process.kill('SIGKILL');
    await first.exit;
    await access(env.PORT ?? '');
    await start();
    assert.equal((await send('/readyz')).status, 200);
  });

  it('takes no socket from a server that lives', async () => {
    await start();
    const { code, stdout } = await run('api/server.ts', env).exit;
    assert.equal(code, 1);
    assert.match(stdout, /EADDRINUSE.*cannot listen/);
    assert.equal((await send('/readyz')).status, 200);
  });

  it('says which setting is wrong and exits 1', async () => {
    const { code, stderr } = await run('api/server.ts', { ...env, JWT_KEYS: 'a:short' }).exit;
    assert.deepEqual([code, stderr], [1, '"JWT_KEYS" holds a secret shorter than 32 bytes\n']);
  });

  it('believes X-Real-IP on its unix socket, where only nginx comes', async () => {
    await start();
    const from = async (address: string) => (await login({ 'X-Real-IP': address })).status;
    assert.deepEqual(
      [await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')],
      [401, 401, 429],
    );
    assert.equal(await from('x'.repeat(4000)), 401);
  });

  it('counts the addresses of IPv6 that one customer has as one', async () => {
    await start();
    const statuses = [];
    for (const address of ['2001:db8::2', '2001:db8:0:0:ffff::1', '2001:DB8::3', '2001:db8:0:1::2'])
      statuses.push((await login({ 'X-Real-IP': address })).status);
    assert.deepEqual(statuses, [401, 401, 429, 401]);
  });

  it('believes no X-Real-IP on a TCP port', async () => {
    const server = await start({ PORT: '0', LOGIN_LIMIT_ADDRESS: '1' });
    const [, port] = await server.printed(/"port":(\d+)/);
    const attempt = async (address: string) => {
      const client = new Client(`http://localhost:${port}/api`, { 'X-Real-IP': address });
      return (await client.post('/login', { username: 'a', password: 'b' })).status;
    };
    assert.deepEqual([await attempt('192.0.2.9'), await attempt('192.0.2.10')], [401, 429]);
  });

  it('finishes what runs at SIGTERM, says Connection: close, and exits 0', async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true });
    assert.equal((await send('/livez', { agent })).headers.connection, 'keep-alive');
    const slow = await halfSent();
    server.process.kill('SIGTERM');
    await server.printed(/"stopping"/);
    const late = await send('/livez', { agent });
    assert.deepEqual([late.status, late.headers.connection], [200, 'close']);
    slow.end('{}');
    assert.match(await text(slow), /^HTTP\/1.1 422 .*Connection: close\r\n/s);
    const { code, signal, stdout } = await server.exit;
    assert.deepEqual([code, signal], [0, null]);
    assert.match(stdout, /"stopped"/);
    await assert.rejects(access(env.PORT ?? ''));
  });

  it('drops no request of keep-alive clients, who leave when told to', async () => {
    const server = await start();
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const answered = agents.map(async (agent) => {
      for (let connection: string | undefined; connection !== 'close'; ) {
        const { status, headers } = await send('/livez', { agent });
        assert.equal(status, 200);
        connection = headers.connection;
      }
    });
    await send('/livez');
    server.process.kill('SIGTERM');
    await Promise.all(answered);
    assert.equal((await server.exit).code, 0);
  });

  it('cuts off at the limit what does not end', async () => {
    const server = await start({ SHUTDOWN_DRAIN_MS: '50', SHUTDOWN_LIMIT_MS: '150' });
    await halfSent();
    server.process.kill('SIGTERM');
    const { code, stdout } = await server.exit;
    assert.equal(code, 0);
    assert.match(stdout, /requests were cut off at the limit/);
  });
});
