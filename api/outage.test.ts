import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { readMigrationConfig } from './config.ts';
import { closeDb, createDb, type Db } from './db.ts';
import { JWT_KEYS, PASSWORD } from './testing/api.ts';
import { assertProblem } from './testing/assert-problem.ts';
import { Client, type Reply } from './testing/client.ts';
import { type Run, run } from './testing/process.ts';
import { TroubledPostgres } from './testing/troubled-postgres.ts';

/** No answer may take longer, whatever happens to PostgreSQL. */
const LIMIT_MS = 10_000;

/** How soon all is well again once PostgreSQL is. */
const RECOVERY_MS = 10_000;

const MINUTES = 60_000;

const OF_THE_API = "from pg_stat_activity where application_name like 'api %'";

describe('while PostgreSQL', function () {
  this.timeout(2 * MINUTES);
  let world: World;
  before(async () => {
    world = await start(await TroubledPostgres.create());
  });
  after(() => world.end());

  it('is restarted, requests wait or are told to come again', async () => {
    const traffic = world.traffic();
    await world.postgres.stop();
    await wait(4_000);
    await world.postgres.start();
    await world.recovered();
    const answers = await traffic.stop();
    assertBounded(answers);
    assert.ok(answers.some(({ reply }) => reply.status === 503));
  });

  it('is frozen for 20 s, no request waits for it', async () => {
    const traffic = world.traffic();
    world.postgres.freeze();
    const frozenAt = performance.now();
    await wait(20_000);
    const thawedAt = performance.now();
    world.postgres.thaw();
    await world.recovered();
    const answers = await traffic.stop();
    assertBounded(answers);
    const within = answers.filter(({ startedAt, ms }) => startedAt > frozenAt && startedAt + ms < thawedAt);
    assert.deepEqual(new Set(within.map(({ what }) => what)), new Set(Object.keys(world.requests)));
    assert.deepEqual(new Set(within.map(({ reply }) => reply.status)), new Set([503]));
  });

  it('has no connection left, requests are told to come again', async () => {
    const hoard: pg.Client[] = [];
    const takeAll = async () => {
      for (;;) {
        const connection = new pg.Client({ connectionString: world.postgres.url });
        await connection.connect();
        hoard.push(connection);
      }
    };
    /** A connection that ends is seen no more before its place is free: all places must be seen, and be others'. */
    const isFull = async () => {
      const seen = await hoard[0]?.query(
        `select count(*) filter (where application_name not like 'api %') =
                current_setting('max_connections')::int as full
           from pg_stat_activity where backend_type = 'client backend'`,
      );
      return seen?.rows[0].full === true;
    };
    try {
      do {
        await hoard[0]?.query(`select pg_terminate_backend(pid) ${OF_THE_API}`);
        await assert.rejects(takeAll(), { code: '53300' });
      } while (!(await isFull()));
      const answers = await world.all();
      assertBounded(answers);
      assert.deepEqual(new Set(answers.map(({ reply }) => reply.status)), new Set([503]));
    } finally {
      await Promise.all(hoard.map((connection) => connection.end()));
    }
    await world.recovered();
  });

  const interruptions: [what: string, interrupt: (world: World) => Promise<unknown>][] = [
    ['cancels a statement', ({ admin }) => admin.raw(`select pg_cancel_backend(pid) ${OF_THE_API}`)],
    ['drops a connection', ({ admin }) => admin.raw(`select pg_terminate_backend(pid) ${OF_THE_API}`)],
    ['crashes', ({ postgres }) => postgres.crash()],
  ];
  for (const [what, interrupt] of interruptions) {
    it(`${what} in the middle of requests, they are told so at once and leave nothing half done`, async () => {
      const { admin, requests } = world;
      const writing = ['POST /posts', 'PATCH /posts/{id}', 'POST /vote'] as const;
      const count = () => admin('posts').sum('votes as votes').count().first();
      const before = await count();
      const lock = await admin.transaction();
      await lock.raw('lock table posts in exclusive mode');
      const answers = Promise.all(writing.map((name) => timed(name, requests[name] as Send)));
      await world.waitingForLocks(writing.length);
      const interrupted = performance.now();
      await interrupt(world);
      assert.ok((await answers).every(({ reply }) => reply.status === 503));
      assert.ok(performance.now() - interrupted < 2_000);
      assertBounded(await answers);
      await lock.rollback().catch(() => {});
      await world.recovered(['GET /posts', 'GET /readyz']);
      assert.deepEqual(await count(), before);
    });
  }

  it('holds a lock for too long, requests are told to come again', async () => {
    const lock = await world.admin.transaction();
    await lock.raw('lock table posts in access exclusive mode');
    const answers = await world.all();
    await lock.rollback();
    assertBounded(answers);
    const waited = answers.filter(({ what }) => /posts|vote/.test(what));
    assert.ok(waited.every(({ reply }) => reply.status === 503));
    await world.recovered();
  });
});

describe('while the disk of PostgreSQL is full', function () {
  this.timeout(2 * MINUTES);
  let world: World;
  const filler = () => join(world.postgres.directory, 'filler');

  before(async function () {
    // A small disk of its own is a mount, which only root makes.
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    const mount = (directory: string) =>
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', directory]);
    world = await start(await TroubledPostgres.create(mount));
  });
  after(async () => {
    await world?.end((directory) => execFileSync('umount', ['--lazy', directory]));
  });

  it('reads go on, writes are told to come again, and do once there is room', async () => {
    await assert.rejects(writeFile(filler(), Buffer.alloc(200 * 2 ** 20)), { code: 'ENOSPC' });
    const answers: Answer[] = [];
    const write = world.requests['POST /posts'] as Send;
    do answers.push(await timed('POST /posts', write));
    while (answers.at(-1)?.reply.status === 201 && answers.length < 5_000);
    assert.equal(answers.at(-1)?.reply.status, 503);
    assertBounded(answers);
    assert.equal((await world.requests['GET /posts']?.())?.status, 200);
    assertBounded(await world.all());
    await rm(filler());
    await world.recovered();
    assert.equal((await write()).status, 201);
  });
});

type Send = () => Promise<Reply>;

interface Answer {
  what: string;
  startedAt: number;
  ms: number;
  reply: Reply;
}

interface World {
  postgres: TroubledPostgres;
  admin: Db;
  requests: Record<string, Send>;
  /** Every request once, at the same time. */
  all(): Promise<Answer[]>;
  /** Every request over and over, each by a client of its own, until told to stop. */
  traffic(): { stop(): Promise<Answer[]> };
  /** Resolves once no answer of these requests is a 503 any more. */
  recovered(names?: string[]): Promise<void>;
  waitingForLocks(count: number): Promise<void>;
  end(unmount?: (directory: string) => void): Promise<void>;
}

/** The API as a process of its own, that is never restarted, on a PostgreSQL of its own. */
async function start(postgres: TroubledPostgres): Promise<World> {
  const api = run('api/server.ts', {
    DATABASE_URL: postgres.url,
    JWT_KEYS,
    PORT: '0',
    LISTEN_HOST: '127.0.0.1',
    BCRYPT_COST: '4',
    DATABASE_POOL_MAX: '5',
    LOGIN_LIMIT_ACCOUNT: '1000000',
    LOGIN_LIMIT_ADDRESS: '1000000',
    REGISTRATION_LIMIT_ADDRESS: '1000000',
  });
  const [, port] = await api.printed(/"port":(\d+)/);
  const admin = createDb(readMigrationConfig({ DATABASE_URL: postgres.url }).database, 'admin');
  const requests = await requestsTo(`http://127.0.0.1:${port}/api`);
  const all = (names = Object.keys(requests)) =>
    Promise.all(names.map((name) => timed(name, requests[name] as Send)));
  return {
    postgres,
    admin,
    requests,
    all,
    traffic() {
      const answers: Answer[] = [];
      let going = true;
      const clients = Object.entries(requests).map(async ([what, send]) => {
        while (going) answers.push(await timed(what, send));
      });
      return {
        async stop() {
          going = false;
          await Promise.all(clients);
          return answers;
        },
      };
    },
    async recovered(names) {
      const deadline = performance.now() + RECOVERY_MS;
      for (;;) {
        const refused = (await all(names)).filter(({ reply }) => reply.status === 503);
        if (refused.length === 0) return;
        assert.ok(performance.now() < deadline, `still refused: ${refused.map(({ what }) => what)}`);
      }
    },
    async waitingForLocks(count) {
      const sql = `select ${OF_THE_API} and wait_event_type = 'Lock'`;
      while ((await admin.raw(sql)).rowCount < count) await wait(10);
    },
    end: (unmount) => end(api, admin, postgres, unmount),
  };
}

async function end(api: Run, admin: Db, postgres: TroubledPostgres, unmount?: (directory: string) => void) {
  const { exitCode } = api.process;
  api.process.kill('SIGTERM');
  await api.exit;
  await closeDb(admin);
  await postgres.remove(unmount);
  assert.equal(exitCode, null, 'the API has run without a restart');
}

/** Every kind of statement: plain, in a transaction, of the limits, of a library's own. */
async function requestsTo(url: string): Promise<Record<string, Send>> {
  const anonymous = new Client(url);
  const credentials = { username: 'ada@example.org', password: PASSWORD };
  await anonymous.post('/users', { email: credentials.username, password: PASSWORD });
  const { body: tokens } = await anonymous.post('/login', credentials);
  const ada = new Client(url, { Authorization: `Bearer ${tokens.access_token}` });
  const { body: post } = await ada.post('/posts', { title: 't', content: 'c' });
  const content = () => randomBytes(2_000).toString('base64');
  const path = `/posts/${post.id}`;
  return {
    'GET /posts': () => ada.get('/posts?limit=1'),
    'GET /posts/{id}': () => ada.get(path),
    'GET /users/me': () => ada.get('/users/me'),
    'POST /posts': () => ada.post('/posts', { title: 't', content: content() }),
    'PATCH /posts/{id}': () => ada.patch(path, { content: content() }),
    'POST /vote': () => ada.post('/vote', { post_id: post.id, dir: 1 }),
    'POST /users': () =>
      anonymous.post('/users', {
        email: `${randomBytes(8).toString('hex')}@example.org`,
        password: PASSWORD,
      }),
    'POST /login': () => anonymous.post('/login', credentials),
    'POST /token/refresh': () => anonymous.post('/token/refresh', { refresh_token: UNKNOWN_TOKEN }),
    'GET /readyz': () => anonymous.get('/readyz'),
  };
}

const UNKNOWN_TOKEN = '00000000-0000-4000-8000-000000000000.x';

async function timed(what: string, send: Send): Promise<Answer> {
  const startedAt = performance.now();
  const reply = await send();
  return { what, startedAt, ms: performance.now() - startedAt, reply };
}

/** In time, and no failure but a 503 that says when to come again. */
function assertBounded(answers: Answer[]): void {
  for (const { what, ms, reply } of answers) {
    assert.ok(ms < LIMIT_MS, `${what} was answered ${reply.status} after ${Math.round(ms)} ms`);
    if (reply.status < 500) continue;
    assertProblem(reply, 503, what === 'GET /readyz' ? 'not_ready' : 'unavailable');
    assert.match(reply.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  }
}
