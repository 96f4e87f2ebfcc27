import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { clientOf } from './client.ts';
import { median, timed } from './computer.ts';
import { type Load, p99, startLoad } from './load.ts';

const rounds = Number(process.env.BERTH_CUTOVERS ?? 6);
const clients = Number(process.env.BERTH_CLIENTS ?? 8);
const account = { email: 'load@example.com', password: 'a long enough password' };

/** Releases under load: `BERTH_CUTOVERS=50 BERTH_CLIENTS=32` for the whole measure. */
describe('a release under load', function () {
  this.timeout(3_600_000);
  this.bail(true);
  let checkout: Checkout;
  let status: Status;
  let token: string;
  let load: Load | undefined;
  const figure = (what: string, value: string | number) => console.log(`    figure: ${what}: ${value}`);
  const hosts = (app: string) => checkout.settings(`machine: {kind: container}\napps: {api: ${app}}\n`);

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    hosts('{watch: 0s}');
    await checkout.must(['up']);
    status = await checkout.status();
    const ask = clientOf(status);
    await ask({ method: 'POST', path: '/api/users', body: account });
    const login = { username: account.email, password: account.password };
    token = String((await ask({ method: 'POST', path: '/api/login', body: login })).json.access_token);
  });
  this.afterAll(() => checkout?.remove());
  this.beforeEach(() => {
    load = startLoad({ ...status, token, clients });
  });
  this.afterEach(() => load?.stop());

  /** Changes the application's source by an edit, and commits it. */
  async function commit(file: string, edit: (text: string) => string): Promise<void> {
    const path = join(checkout.root, file);
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
    await runChecked(['git', '-C', checkout.root, 'commit', '--quiet', '--all', '--message', 'Change']);
  }
  const appendLine = (round: number) => (text: string) => `${text}// ${round}\n`;
  const undo = () => runChecked(['git', '-C', checkout.root, 'reset', '--quiet', '--hard', 'HEAD~1']);
  const live = async () => (await checkout.status()).release;

  it(`moves every request over, ${rounds} times, and drops none`, async () => {
    const tally = (load as Load).tally;
    const times = {
      deploy: [] as number[],
      rollback: [] as number[],
      moved: [] as number[],
      ratio: [] as number[],
    };
    for (let round = 0; round < rounds; round += 1) {
      const word = round % 2 === 0 ? 'deploy' : 'rollback';
      if (word === 'deploy') await commit('api/server.ts', appendLine(round));
      const before = (await live()) ?? '';
      const began = Date.now();
      const usual = p99(tally, began - 5000, began);
      const [, seconds] = await timed(() => checkout.must([word]));
      const flipped = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 5000));
      times[word].push(seconds);
      times.moved.push(Math.max(0, (tally.releases.get(before) ?? 0) - flipped) / 1000);
      times.ratio.push(p99(tally, began, flipped) / usual);
      assert.deepEqual(tally.failures, [], `${word} ${round}`);
    }
    figure('requests', tally.requests);
    figure('failed or wrong', tally.failures.length);
    figure(
      'last answer of the release before, s after the command, at most',
      Math.max(...times.moved).toFixed(1),
    );
    figure('deploy of a source-only change under load, median s', median(times.deploy).toFixed(1));
    figure('rollback to a warm release under load, median s', median(times.rollback).toFixed(1));
    figure('p99 during a cutover to p99 before it, median', median(times.ratio).toFixed(1));
    assert.ok(tally.requests > 1000);
  });

  const broken: [what: string, file: string, edit: (text: string) => string, code: RegExp][] = [
    [
      'ends at boot',
      'api/server.ts',
      (text) => `throw new Error('broken on purpose');\n${text}`,
      /release_crashes/,
    ],
    [
      'fails to migrate',
      'api/migrate.ts',
      () => "throw new Error('broken on purpose');\n",
      /release_process_failed/,
    ],
  ];
  for (const [what, file, edit, code] of broken) {
    it(`never sends a request to a release that ${what}`, async () => {
      const before = await live();
      await commit(file, edit);
      const failed = await checkout.berth(['deploy']);
      await undo();
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, code);
      assert.match(failed.stderr, /broken on purpose/);
      assert.equal(await live(), before);
      assert.deepEqual((load as Load).tally.failures, []);
      assert.match((await checkout.must(['releases'])).stdout, /failed .*\n.*/);
    });
  }

  it('takes a release back that fails on every fifth request', async () => {
    const before = await live();
    hosts('{watch: 20s}');
    const faulty = `app.use(async (ctx, next) => {
      if (ctx.path !== '/api/readyz' && Math.random() < 0.2) throw new Error('broken on purpose');
      await next();
    });\n`;
    await commit('api/app.ts', (text) =>
      text.replace('  app.use(router.routes());', `${faulty}  app.use(router.routes());`),
    );
    const [failed, seconds] = await timed(() => checkout.berth(['deploy']));
    await undo();
    const { tally } = load as Load;
    figure('a release that fails on 20 %: command to the end, s', seconds.toFixed(1));
    figure('requests it failed, all of its own making', tally.failures.length);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /release_worse/);
    assert.equal(await live(), before);
    assert.ok(
      tally.failures.length > 0 && tally.failures.every((failure) => /: 500 instead of/.test(failure)),
      `${tally.failures}`,
    );
    const seen = tally.failures.length;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.equal(tally.failures.length, seen, 'none after it was taken back');
    hosts('{watch: 0s}');
  });

  it('goes back to a release by its number, and refuses one that failed or never was', async () => {
    const lines = (await checkout.must(['releases', '--json'])).stdout.trim().split('\n');
    const all = lines.map((text) => JSON.parse(text) as { number: number; shown: string });
    const kept = all.find(({ shown }) => shown === 'kept') ?? all.find(({ shown }) => shown === 'warm');
    const bad = all.find(({ shown }) => shown === 'failed');
    assert.ok(kept && bad);
    const [, seconds] = await timed(() => checkout.must(['rollback', `v${kept.number}`]));
    figure('rollback to a cold release under load, s', seconds.toFixed(1));
    assert.equal(await live(), `v${kept.number}`);
    assert.match((await checkout.berth(['rollback', `v${bad.number}`])).stderr, /release_unknown/);
    assert.match((await checkout.berth(['rollback', 'v9999'])).stderr, /release_unknown/);
    assert.equal((await checkout.berth(['rollback', 'nonsense'])).code, 64);
    assert.deepEqual((load as Load).tally.failures, []);
  });
});
