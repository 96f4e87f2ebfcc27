import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { buildSlug } from '../../scripts/slug.ts';
import { chooseSource, sourceOfApp } from '../../scripts/source.ts';
import { eventually, median, timed } from './computer.ts';
import type { Load } from './load.ts';
import { latenciesIn, p99 } from './tally.ts';
import { beforeRoutes, startTrial, type Trial } from './trial.ts';

const asked = process.env.BERTH_CUTOVERS;
const rounds = Number(asked ?? 6);

/** Releases under load. The whole measure: `BERTH_CUTOVERS=50 BERTH_CLIENTS=32`. */
describe('a release under load', function () {
  this.timeout(3_600_000);
  this.bail(true);
  let trial: Trial;
  let load: Load;
  const figure = (what: string, value: string | number) => console.log(`    figure: ${what}: ${value}`);
  const failures = () => load.tally.failures.map(({ what }) => what);

  this.beforeAll(async () => {
    trial = await startTrial();
  });
  this.afterAll(() => trial?.checkout.remove());
  this.beforeEach(() => {
    load = trial.load();
  });
  this.afterEach(async () => {
    await load.stop();
    trial.settings();
  });

  it(`moves every request over, ${rounds} times, and drops none`, async () => {
    const { tally } = load;
    const seconds = { deploy: [] as number[], rollback: [] as number[], moved: [] as number[] };
    const latencies = { before: [] as number[], during: [] as number[] };
    const started = Date.now();
    for (let round = 0; round < rounds; round += 1) {
      const word = round % 2 === 0 ? 'deploy' : 'rollback';
      if (word === 'deploy') await trial.commit('api/server.ts', (text) => `${text}// ${round}\n`);
      const before = await trial.live();
      await wait(5000);
      const began = Date.now();
      const [, took] = await timed(() => trial.checkout.must([word]));
      const flipped = await trial.flippedAt();
      await wait(Math.max(0, flipped + 4000 - Date.now()));
      seconds[word].push(took);
      seconds.moved.push(((tally.releases.get(before)?.last ?? 0) - flipped) / 1000);
      latencies.before.push(...latenciesIn(tally, began - 5000, began));
      latencies.during.push(...latenciesIn(tally, began, flipped + 3000));
      assert.deepEqual(failures(), [], `${word} ${round}`);
      assert.ok(tally.releases.get(await trial.live()), 'the new release has answered');
    }
    const [usual, during] = [p99(latencies.before), p99(latencies.during)];
    figure('requests', tally.requests);
    figure('requests a second', (tally.requests / ((Date.now() - started) / 1000)).toFixed(0));
    figure('of them', JSON.stringify(tally.long));
    figure('failed or wrong', tally.failures.length);
    figure(
      'last answer of the release before, s after the flip, at most',
      Math.max(...seconds.moved).toFixed(1),
    );
    figure('deploy of a source-only change under load, median s', median(seconds.deploy).toFixed(1));
    figure('rollback to a warm release under load, median s', median(seconds.rollback).toFixed(1));
    figure('p99 before a cutover and during it, ms', `${usual.toFixed(0)}, ${during.toFixed(0)}`);
    assert.ok(tally.requests > 1000 && tally.long.slow > 0 && tally.long.uploads > 0);
    // The bounds that are promised hold on a computer that has nothing else to do, which a sample in CI cannot ask for.
    const [lastSeconds, slower, unfeltMs] = asked ? [3, 3, 100] : [10, 10, 1000];
    // A request that was under way at that moment takes as long as any other.
    assert.ok(Math.max(...seconds.moved) <= lastSeconds + usual / 1000);
    assert.ok(during <= Math.max(usual * slower, unfeltMs));
  });

  it('ends the event streams of a release before it stops it, and they come back', async () => {
    const { tally } = load;
    for (const round of [1, 2]) {
      await trial.commit('api/server.ts', (text) => `${text}// streams ${round}\n`);
      await trial.checkout.must(['deploy']);
    }
    const { ended, streams } = tally.long;
    await eventually(
      'streams of the new release',
      5,
      async () => tally.long.streams >= 2 * ended || undefined,
    );
    assert.ok(ended > 0 && streams >= ended, JSON.stringify(tally.long));
    assert.deepEqual(failures(), []);
  });

  type Broken = {
    what: string;
    file: string;
    edit: (text: string) => string;
    settings?: Record<string, string>;
    says: RegExp[];
  };
  const answerTo = (path: string, code: string) =>
    beforeRoutes(`  app.use(async (ctx, next) => (ctx.path === '${path}' ? ${code} : next()));`);
  const broken: Broken[] = [
    {
      what: 'ends at boot',
      file: 'api/server.ts',
      edit: (text) => `throw new Error('broken on purpose');\n${text}`,
      says: [/release_crashes/, /broken on purpose/],
    },
    {
      what: 'never listens',
      file: 'api/server.ts',
      edit: () => "console.log('forgets to listen');\nsetInterval(() => {}, 1000);\n",
      settings: { start_timeout: '10s' },
      says: [/release_silent/, /did not listen on PORT within 10 s/, /forgets to listen/],
    },
    {
      what: 'answers its health path with 503',
      file: 'api/app.ts',
      edit: answerTo('/api/readyz', 'void (ctx.status = 503)'),
      settings: { start_timeout: '20s' },
      says: [/release_unhealthy/, /last: 503/, /"status":503/],
    },
    {
      what: 'hangs on its smoke request',
      file: 'api/app.ts',
      edit: answerTo('/api/openapi.json', 'new Promise(() => {})'),
      settings: { smoke: '/api/openapi.json' },
      says: [/release_smokes/, /no answer within 5000 ms/, /listening/],
    },
    {
      what: 'fails to migrate',
      file: 'api/migrate.ts',
      edit: () => "throw new Error('broken on purpose');\n",
      says: [/release_process_failed/, /broken on purpose/],
    },
  ];
  for (const { what, file, edit, settings, says } of broken) {
    it(`never sends a request to a release that ${what}`, async () => {
      trial.settings(settings);
      await refused(() => trial.commit(file, edit), says);
      await trial.undo();
    });
  }

  /** Deploys, under load, what must not go live: the command fails and says why, and nobody notices else. */
  async function refused(prepare: () => Promise<unknown>, says: RegExp[]): Promise<void> {
    const { checkout } = trial;
    const before = await trial.live();
    await prepare();
    const { code, stderr } = await checkout.berth(['deploy']);
    assert.equal(code, 1, stderr);
    for (const words of says) assert.match(stderr, words);
    assert.equal(await trial.live(), before);
    assert.equal((await checkout.status()).healthy, true);
    assert.deepEqual(failures(), []);
  }

  it('gives a migration up that waits for a lock', async () => {
    const migration = `export const up = (knex: any) => knex.raw('alter table posts add column locked integer');
export const down = async () => {};\n`;
    const held = trial.checkout.berth([
      'ssh',
      '--',
      'sh',
      '-c',
      'sudo -u postgres psql api -c "begin; lock table posts in access share mode; select pg_sleep(300)"',
    ]);
    await refused(
      () => trial.commit('api/migrations/9999_locked.ts', () => migration),
      [/release_process_blocked/, /due to lock timeout/],
    );
    await trial.checkout.ssh(
      `sudo -u postgres psql --quiet --command "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()"`,
    );
    await held;
    await trial.undo();
  });

  const appended = () => trial.commit('api/server.ts', (text) => `${text}// another\n`);
  const nextSlug = async () => {
    const { root } = trial.checkout;
    const chosen = await chooseSource(root, { dirty: false, ref: undefined });
    const source = await sourceOfApp(chosen, { name: 'api', path: '.', shared: [] });
    const target = { os: 'linux', cpu: process.arch as 'x64' | 'arm64', libc: 'glibc' } as const;
    return buildSlug({ cache: join(root, '.berth/cache'), target, source, onLine: () => {} });
  };

  it('takes no slug that was cut short, neither on its way nor on the disk', async () => {
    const { checkout } = trial;
    await appended();
    const { source } = await nextSlug();
    const half = readFileSync(source.path).subarray(0, 10_000);
    const receive = `sudo /opt/berth/node/bin/node /opt/berth/code/provisioning/receive.ts api ${source.digest}`;
    const cut = await checkout.berth(['ssh', '--', 'sh', '-c', receive], { input: half });
    assert.match(cut.stdout, /upload_damaged.*10000 bytes/);
    assert.equal(await checkout.ssh('sudo ls -A /srv/api/incoming'), '');
    const stand = `sudo sh -c 'cat >/srv/api/incoming/${source.digest}.tgz'`;
    await checkout.ssh(stand, half);
    await refused(async () => {}, [/upload_damaged/]);
    await checkout.must(['deploy']);
    assert.deepEqual(failures(), []);
  });

  it('takes a disk that becomes full while it unpacks', async () => {
    const { checkout } = trial;
    await appended();
    // Enough bytes for the check that comes first, and too few files.
    await checkout.ssh(`sudo sh -euc 'cd /srv/api
      mkdir /run/small && mount -t tmpfs -o size=400m,nr_inodes=$(($(find slugs | wc -l) + 20)) small /run/small
      cp -a slugs/. /run/small && mount --bind /run/small /srv/api/slugs'`);
    await refused(async () => {}, [/disk_short/, /No space left on device/]);
    assert.equal(await checkout.ssh('sudo find /srv/api -name "*.partial"'), '');
    await checkout.ssh('sudo umount /srv/api/slugs /run/small && sudo rmdir /run/small');
    await checkout.must(['deploy']);
    assert.deepEqual(failures(), []);
  });

  it('starts no release for which the memory or the disk is short', async () => {
    const { checkout } = trial;
    await appended();
    await checkout.ssh(`sudo sh -euc 'sed "s/^MemAvailable:.*/MemAvailable: 102400 kB/" /proc/meminfo >/run/meminfo
      mount --bind /run/meminfo /proc/meminfo'`);
    await refused(async () => {}, [/memory_short/, /100 MiB of memory are available/]);
    await checkout.ssh('sudo umount /proc/meminfo');
    await checkout.ssh('sudo mount -t tmpfs -o size=100m small /srv/api/layers');
    await refused(async () => {}, [/disk_short/, /100 MiB are free in .srv.api.layers/]);
    await checkout.ssh('sudo umount /srv/api/layers');
    await checkout.must(['deploy']);
    assert.deepEqual(failures(), []);
  });

  it('takes a release back that fails on every fifth request', async () => {
    const before = await trial.live();
    trial.settings({ watch: '20s' });
    await trial.commit(
      'api/app.ts',
      beforeRoutes(`  app.use(async (ctx, next) => {
    if (ctx.path.startsWith('/api/long') || ctx.path === '/api/readyz' || Math.random() > 0.2) await next();
    else throw new Error('broken on purpose');
  });`),
    );
    const { code, stderr } = await trial.checkout.berth(['deploy']);
    await trial.undo();
    const [last, first] = [load.tally.failures.at(-1)?.at ?? 0, load.tally.failures[0]?.at ?? 0];
    figure(
      'a release that fails on 20 %: s from its first failure to its last',
      ((last - first) / 1000).toFixed(1),
    );
    figure('requests it failed, all of its own making', failures().length);
    assert.equal(code, 1);
    assert.match(stderr, /release_worse/);
    assert.equal(await trial.live(), before);
    assert.ok(last - first < 10_000);
    assert.ok(first > 0 && failures().every((what) => /: 500 instead of/.test(what)), `${failures()}`);
    const seen = failures().length;
    await wait(3000);
    assert.equal(failures().length, seen, 'none after it was taken back');
  });

  it('goes back to a release by its number, and refuses one that failed or never was', async () => {
    const { checkout } = trial;
    const lines = (await checkout.must(['releases', '--json'])).stdout.trim().split('\n');
    const all = lines.map((text) => JSON.parse(text) as { number: number; shown: string });
    const kept = all.find(({ shown }) => shown === 'kept');
    const bad = all.find(({ shown }) => shown === 'failed');
    assert.ok(kept && bad);
    const [, seconds] = await timed(() => checkout.must(['rollback', `v${kept.number}`]));
    figure('rollback to a cold release under load, s', seconds.toFixed(1));
    assert.equal(await trial.live(), `v${kept.number}`);
    assert.match((await checkout.berth(['rollback', `v${bad.number}`])).stderr, /release_unknown/);
    assert.match((await checkout.berth(['rollback', 'v9999'])).stderr, /release_unknown/);
    assert.equal((await checkout.berth(['rollback', 'nonsense'])).code, 64);
    assert.deepEqual(failures(), []);
  });
});
