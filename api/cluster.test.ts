import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { JWT_KEYS } from './testing/api.ts';
import { samplesOf } from './testing/exposition.ts';
import { createTestDatabase } from './testing/postgres.ts';
import { type Run, run } from './testing/process.ts';

/** As on a machine: pm2's primary is none of ours, and its workers share one unix socket. */
describe('the metrics of a cluster', function () {
  this.timeout(60_000);
  let directory: string;
  let socket: string;
  let pm2: Run;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'api-cluster-'));
    socket = join(directory, 'sockets', '42.sock');
    await mkdir(join(directory, 'sockets'));
    const config = join(directory, 'pm2.json');
    const web = {
      name: 'web',
      script: join(import.meta.dirname, 'server.ts'),
      exec_mode: 'cluster',
      instances: 2,
    };
    await writeFile(config, JSON.stringify({ apps: [web] }));
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: directory,
      PM2_HOME: join(directory, 'pm2'),
      PM2_DISABLE_VERSION_CHECK: 'true',
      DATABASE_URL: await createTestDatabase(),
      JWT_KEYS,
      PORT: socket,
      RELEASE: 'v42',
      DATABASE_POOL_MAX: '3',
    };
    pm2 = run('node_modules/pm2/bin/pm2-runtime', env, ['start', config, '--raw']);
    await processes(2);
  });
  after(async () => {
    pm2.process.kill('SIGINT');
    await pm2.exit;
    await rm(directory, { recursive: true });
  });

  /** A request on a connection of its own: the primary hands it to one process after the other. */
  async function get(path: string): Promise<string> {
    const outgoing = request({ socketPath: socket, path, agent: new Agent() }).end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    assert.equal(incoming.statusCode, 200);
    return text(incoming);
  }

  const scrape = async () => samplesOf(await get('/metrics'));
  const pids = async () =>
    (await readdir(join(directory, 'sockets')))
      .flatMap((name) => /^42\.sock\.(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number);
  const answered = 'http_request_duration_seconds_count{method="GET",route="/api/livez",status="200"}';

  /** Resolves once so many processes have said that they listen. */
  async function processes(count: number): Promise<void> {
    await pm2.printed(new RegExp(`("listening"[^]*){${count}}`));
  }

  it('are whole, whichever process is asked', async () => {
    for (let n = 0; n < 20; n += 1) await get('/api/livez');
    for (let n = 0; n < 6; n += 1) {
      const found = await scrape();
      assert.equal(found.get(answered), 20);
      assert.equal(found.get('api_processes'), 2);
      assert.equal(found.get('db_pool_size'), 6);
      assert.equal(found.get(`api_build_info{release="v42",node="${process.version}"}`), 1);
    }
  });

  it('measure what the processes are made of', async () => {
    const found = await scrape();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_delay_seconds_count',
      'nodejs_eventloop_active_seconds_total',
      'nodejs_eventloop_idle_seconds_total',
    ])
      assert.ok((found.get(name) ?? 0) > 0, name);
    assert.deepEqual(
      [...found].filter(([, value]) => !Number.isFinite(value)),
      [],
    );
  });

  it('are passed on between sockets that only their user may open', async () => {
    const paths = (await pids()).map((pid) => `${socket}.${pid}`);
    const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777));
    assert.deepEqual(modes, [0o600, 0o600]);
  });

  it('go on without a process that was killed, and with the one that takes its place', async () => {
    const [killed = 0, stays = 0] = await pids();
    process.kill(killed, 'SIGKILL');
    await processes(3);
    assert.equal((await scrape()).get('api_processes'), 2);
    const now = await pids();
    assert.ok(now.length === 2 && now.includes(stays) && !now.includes(killed), `${now}`);
  });

  it('leave no socket behind when they end', async () => {
    pm2.process.kill('SIGINT');
    await pm2.exit;
    assert.deepEqual(await readdir(join(directory, 'sockets')), []);
  });
});
