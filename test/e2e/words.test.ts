import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryEntry } from '../../provisioning/history.ts';
import type { ProcessRow } from '../../provisioning/ps.ts';
import type { ReleaseView } from '../../provisioning/releases/rollback.ts';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { clientOf } from './client.ts';
import { eventually } from './computer.ts';

const secret = `hunter2 $HOME \`id\` "it's" \\n #1 Grüße`;
const log = '/srv/api/shared/worker.log';

/** Writes down its release whenever it lives, and takes a moment to end. */
const worker = `import { appendFileSync } from 'node:fs';
const say = (what: string) =>
  appendFileSync('${log}', \`\${Date.now()} \${process.env.RELEASE} \${process.pid} \${what}\\n\`);
say('start');
setInterval(() => say('works'), 50);
process.on('SIGINT', () => setTimeout(() => process.exit(say('end') ?? 0), 300));
`;

type Worked = { at: number; release: string; pid: number; what: string };

/** The words of a running application, on one machine with a worker beside its web processes. */
describe('the words of a running application', function () {
  this.timeout(600_000);
  this.bail(true);
  let checkout: Checkout;
  const settings = (app: string) => checkout.settings(`machine: {kind: container}\napps: {api: ${app}}\n`);
  const git = (...words: string[]) => runChecked(['git', '-C', checkout.root, ...words]);
  const lines = async <T>(words: string[]) =>
    (await checkout.must([...words, '--json'])).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T & { type: string });
  const ofType = async <T>(type: string, words: string[]) =>
    (await lines<T>(words)).filter((line) => line.type === type);
  const live = async () => (await checkout.status()).release;
  const converged = async () => assert.equal((await checkout.berth(['plan'])).code, 0);
  const set = (name: string, value: string) => checkout.berth(['config', 'set', name], { input: value });
  const variables = async () => (await checkout.must(['config'])).stdout;

  async function worked(): Promise<Worked[]> {
    const text = await checkout.ssh(`sudo cat ${log} 2>/dev/null || true`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
      .map(([at, release = '', pid, what = '']) => ({ at: Number(at), release, pid: Number(pid), what }));
  }

  const worksFor = (release: string | null) =>
    eventually(`the worker of ${release}`, 20, async () => {
      const last = (await worked()).at(-1);
      return last?.release === release && Date.now() - last.at < 2000 ? last : undefined;
    });

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    settings('{watch: 0s, processes: {web: 2, worker: 0}}');
    const edit = (file: string, text: (before: string) => string) => {
      const path = join(checkout.root, file);
      writeFileSync(path, text(readFileSync(path, 'utf8')));
    };
    writeFileSync(join(checkout.root, 'worker.ts'), worker);
    edit('Procfile', (before) => `${before}worker: node worker.ts\n`);
    edit('api/app.ts', (before) =>
      before.replace(
        '  app.use(router.routes());',
        `  app.use(async (ctx, next) => {
    if (process.env.FAULTY && ctx.path !== '/api/readyz') throw new Error('broken on purpose');
    await next();
  });\n  app.use(router.routes());`,
      ),
    );
    // The machine is prepared, and has no release that ever went live.
    edit('Procfile', (before) => before.replace('release: ', 'release: false && '));
    await git('add', '.');
    await git('commit', '--quiet', '--message', 'Fail');
    assert.match((await checkout.berth(['up'])).stderr, /release_process_failed/);
    edit('Procfile', (before) => before.replace('false && ', ''));
    await git('commit', '--quiet', '--all', '--message', 'Work');
  });
  this.afterAll(() => checkout?.remove());

  it('keeps a variable for the first deploy, and has nothing to restart, scale or roll back before', async () => {
    assert.match((await set('EARLY', 'first')).stdout, /first deploy/);
    for (const words of [['restart'], ['scale', 'web=1'], ['scale'], ['rollback']]) {
      const { code, stderr } = await checkout.berth(words);
      assert.equal(code, 1);
      assert.match(stderr, /nothing_deployed/, words.join(' '));
    }
    assert.equal((await checkout.must(['ps'])).stdout.split('\n').length, 2);
    await checkout.must(['deploy']);
    assert.equal((await checkout.must(['run', '--', 'printenv', 'EARLY'])).stdout, 'first\n');
    await converged();
  });

  it('scales a process that the settings do not name, and lists what runs', async () => {
    assert.equal((await worked()).length, 0);
    assert.match((await checkout.must(['scale', 'worker=1', 'web=1'])).stdout, /api v3 is live/);
    await worksFor('v3');
    await converged();
    assert.match((await checkout.must(['scale', 'web=1'])).stdout, /nothing to do/);
    const rows = await ofType<ProcessRow>('process', ['ps']);
    const named = rows.map(({ process, release, state }) => `${process} ${release} ${state}`);
    assert.deepEqual(named, [
      ...['web.1 v2 warm', 'web.2 v2 warm', 'pm2 v2 warm'],
      ...['web.1 v3 live', 'pm2 v3 live', 'worker.1 v3 live', 'pm2 v3 live'],
    ]);
    for (const { process, pid, memoryBytes, uptimeSeconds } of rows) {
      assert.ok(pid && memoryBytes && memoryBytes > 2e7 && uptimeSeconds !== null, process);
    }
    const { pid } = rows.find(({ process }) => process === 'worker.1') as ProcessRow;
    assert.equal((await worksFor('v3')).pid, pid);
    await checkout.ssh(`sudo kill -KILL ${pid}`);
    await eventually('the worker again', 10, async () => {
      const again = await ofType<ProcessRow>('process', ['ps']);
      return again.find(({ process, restarts }) => process === 'worker.1' && restarts === 1);
    });
  });

  it('refuses numbers and names that cannot be, and more than the memory takes, and changes nothing', async () => {
    const refused: [words: string, code: number, error: RegExp][] = [
      ['nope=1', 1, /scale_unknown_process/],
      ['release=1', 1, /scale_unknown_process/],
      ['web=64', 1, /memory_short/],
      ...['web=0', 'web=65', 'web=-1', 'web=1.5', 'web', 'web=x'].map((words): [string, number, RegExp] => [
        words,
        64,
        /wrong_usage/,
      ]),
    ];
    for (const [words, code, error] of refused) {
      const result = await checkout.berth(['scale', '--', words]);
      assert.equal(result.code, code, words);
      assert.match(result.stderr, error, words);
    }
    assert.equal(await live(), 'v3');
    await converged();
  });

  it('runs the workers of the live release alone: from the flip, never before, and never two at once', async () => {
    await checkout.must(['restart']);
    await worksFor('v4');
    await checkout.must(['rollback']);
    await worksFor('v3');
    const warm = await ofType<ProcessRow>('process', ['ps']);
    assert.deepEqual(
      warm.filter(({ release }) => release === 'v4').map(({ process, state }) => `${process} ${state}`),
      ['web.1 warm', 'pm2 warm'],
    );
    await checkout.reboot();
    await eventually('the machine after its boot', 60, async () => {
      const { code, stdout } = await checkout.berth(['status', '--json']);
      return code === 0 && JSON.parse(stdout).healthy === true ? true : undefined;
    });
    await worksFor('v3');
    const spans = new Map<number, { from: number; to: number }>();
    for (const { at, pid } of await worked()) {
      spans.set(pid, { from: spans.get(pid)?.from ?? at, to: at });
    }
    const ordered = [...spans.values()].sort((a, b) => a.from - b.from);
    for (const [index, span] of ordered.slice(1).entries()) {
      assert.ok(span.from >= (ordered[index] as { to: number }).to, `${JSON.stringify(ordered)}`);
    }
    await converged();
  });

  it('brings a variable to the release, to shells and to one-off commands as it was given, and nowhere else', async () => {
    const made = await checkout.berth(['config', 'set', 'SECRET', '--json'], { input: `${secret}\n` });
    assert.equal(made.code, 0, made.stderr);
    const read = [
      (await checkout.must(['run', '--', 'printenv', 'SECRET'])).stdout,
      await checkout.ssh('sudo -iu api printenv SECRET'),
      await checkout.ssh(
        'sudo cat /proc/$(pgrep -u api -nf api/server.ts)/environ | tr "\\0" "\\n" | sed -n s/^SECRET=//p',
      ),
      (await checkout.must(['config', 'get', 'SECRET'])).stdout,
    ];
    for (const text of read) assert.equal(text, `${secret}\n`);
    assert.match(await variables(), /^SECRET +\*+ +berth config$/m);
    const plan = await checkout.berth(['plan', '--verbose', '--json']);
    assert.equal(plan.code, 0);
    for (const text of [made.stdout, made.stderr, plan.stdout, await variables()])
      assert.doesNotMatch(text, /hunter2/);
    // Not in these words either, which sudo writes down.
    const kept = await checkout.ssh(
      "sudo sh -c 'grep -rlI hunte[r]2 /var/lib/berth /var/log /etc /run/berth; journalctl | grep -c hunte[r]2; true'",
    );
    assert.deepEqual(kept.trim().split('\n').sort(), ['/etc/api/config', '/etc/api/env', '0']);
    assert.match((await set('SECRET', secret)).stdout, /nothing to do/);
  });

  it('refuses a value in the command line, names that are not free, and values that no file carries', async () => {
    const before = await live();
    const refused: [words: string[], input: string, error: RegExp][] = [
      [['set', 'A=hunter2'], '', /A was given with its value.*value_in_argv/],
      [['set', 'PORT'], '1', /PORT is not yours/],
      [['set', 'DATABASE_URL'], 'x', /DATABASE_URL is set by database: local/],
      [['set', 'A'], 'hunter2\nhunter2', /A has a value that holds a line break/],
      [['set', 'A', 'B'], 'hunter2', /1 lines for 2 variables/],
      [['unset', 'NOPE'], '', /config_unknown/],
      [['get', 'NOPE'], '', /config_unknown/],
      [['put', 'A'], '', /knows no put/],
    ];
    for (const [words, input, error] of refused) {
      const { code, stderr } = await checkout.berth(['config', ...words], { input });
      assert.notEqual(code, 0);
      assert.match(stderr, error, words.join(' '));
      assert.doesNotMatch(stderr, /hunter2/);
    }
    settings('{watch: 0s, processes: {web: 2, worker: 0}, env: {LOG_LEVEL: warn}}');
    assert.match((await set('LOG_LEVEL', 'info')).stderr, /LOG_LEVEL is set by the hosts file/);
    settings('{watch: 0s, processes: {web: 2, worker: 0}}');
    assert.equal(await live(), before);
  });

  it('leaves variables and workers as they were where the new release does not become healthy', async () => {
    const before = await live();
    const { pid } = await worksFor(before);
    writeFileSync(join(checkout.root, 'bad.env'), '# levels\nexport LOG_LEVEL="nonsense" # no\nOTHER=1\n');
    const failed = await checkout.berth(['config', 'import', 'bad.env']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /release_crashes/);
    assert.match(failed.stderr, /the configuration of api is as it was/);
    assert.equal(await live(), before);
    assert.doesNotMatch(await variables(), /LOG_LEVEL|OTHER/);
    assert.equal((await worksFor(before)).pid, pid, 'the same worker');
    await converged();
  });

  it('takes variables and workers back with a release that does worse', async () => {
    settings('{watch: 30s, processes: {web: 2, worker: 0}}');
    const before = await live();
    const ask = clientOf(await checkout.status());
    let asking = true;
    const client = async () => {
      while (asking) await ask({ path: '/api/livez' });
    };
    const clients = Promise.all([client(), client(), client()]);
    const failed = await set('FAULTY', '1');
    asking = false;
    await clients;
    assert.match(failed.stderr, /release_worse/);
    assert.match(failed.stderr, /the configuration of api is as it was/);
    assert.equal(await live(), before);
    assert.doesNotMatch(await variables(), /FAULTY/);
    await worksFor(before);
    settings('{watch: 0s, processes: {web: 2, worker: 0}}');
    await checkout.must(['apply']);
    await converged();
  });

  it('rolls variables and numbers back with their release', async () => {
    await checkout.must(['scale', 'worker=2', 'web=auto']);
    await checkout.must(['config', 'unset', 'SECRET']);
    assert.doesNotMatch(await variables(), /SECRET/);
    await checkout.must(['rollback']);
    assert.match(await variables(), /SECRET/);
    assert.match((await checkout.must(['scale'])).stdout, /^worker +2 +berth scale/m);
    assert.match((await checkout.must(['scale'])).stdout, /^web +2 +the hosts file/m);
    await converged();
  });

  it('says what changed in each release, how large it is, and keeps as many as the settings say', async () => {
    const all = await ofType<ReleaseView>('release', ['releases']);
    const changed = (reason: RegExp) => all.find((one) => reason.test(one.reason))?.changed;
    // The share of the memory that a process may take follows from their number.
    assert.deepEqual(changed(/^scale worker=2/), ['scale', 'memory']);
    assert.deepEqual(changed(/^unset SECRET/), ['config']);
    assert.ok(all.every(({ bytes, by }) => bytes > 1e6 && by.includes('@')));
    assert.match(
      (await checkout.must(['releases'])).stdout,
      /^RELEASE +STATE +COMMIT +CHANGED +WHEN +WHO +SIZE/,
    );
    settings('{watch: 0s, processes: {web: 2, worker: 0}, keep: 2}');
    await checkout.must(['restart']);
    // The newest two, and the one that is warm after the rollback.
    const kept = await ofType<ReleaseView>('release', ['releases']);
    assert.deepEqual(
      kept.filter(({ state }) => state === 'good').map(({ shown }) => shown),
      ['live', 'kept', 'warm'],
    );
  });

  it('says who holds the machine, and ends that run when asked', async () => {
    settings('{watch: 1h, processes: {web: 2, worker: 0}}');
    const before = await live();
    const held = checkout.berth(['restart']);
    const holder = await eventually('the holder', 30, async () => {
      const { stdout } = await checkout.berth(['status', '--json']);
      return (JSON.parse(stdout).holder as string | null) ?? undefined;
    });
    assert.match(holder, /^restart of api that .+@.+ began \d+ s ago$/);
    // Ended before its flip, it would take its release back.
    const flipped = await eventually('the flip', 60, async () => {
      const now = await live();
      return now !== before && now !== null ? now : undefined;
    });
    await worksFor(flipped);
    assert.match((await checkout.berth(['restart'])).stderr, /held by the restart of api .*\(locked\)/);
    assert.equal((await checkout.berth(['unlock'])).code, 64);
    assert.match((await checkout.must(['unlock', '--yes'])).stdout, /is free/);
    assert.equal((await held).code, 0, 'a release that is live when the watch is ended stays');
    assert.match((await checkout.must(['unlock'])).stdout, /^Nobody holds/);
  });

  it('kills a run by force, settles what it left, and keeps all of it in the history', async () => {
    const before = await live();
    // Never healthy, so that it surely is not live yet when it is killed.
    settings('{watch: 0s, processes: {web: 2, worker: 0}, health: /api/nowhere}');
    const killed = checkout.berth(['restart']);
    await eventually('a release that starts', 30, async () => {
      const all = await ofType<ReleaseView>('release', ['releases']);
      return all.find(({ shown }) => shown === 'starting');
    });
    await checkout.must(['unlock', '--force', '--yes']);
    assert.match((await killed).stderr, /run_died/);
    settings('{watch: 0s, processes: {web: 2, worker: 0}}');
    assert.equal(await live(), before);
    await worksFor(before);
    await checkout.must(['apply']);
    const entries = await ofType<HistoryEntry>('run', ['history', '--limit', '100']);
    const of = (verb: string) => entries.filter((entry) => entry.verb === verb).map(({ result }) => result);
    assert.equal(of('restart')[0], 'run_died');
    assert.ok(of('config').includes('release_crashes') && of('config').includes('release_worse'));
    assert.ok(entries.some(({ what }) => what === 'set SECRET'));
    assert.ok(entries.some(({ what, release }) => what === 'worker=1 web=1' && release === 3));
    assert.ok(entries.every(({ user, from, by }) => user !== null && /^10\./.test(String(from)) && by));
    const ids = await checkout.ssh('sudo stat -c "%a %U" /var/lib/berth/history.ndjson');
    assert.equal(ids, '600 root\n');
    assert.match((await checkout.must(['history', '-n', '1'])).stdout, /^WHEN.*\n.* apply .*\n$/);
  });

  it('refuses to change a machine that a newer berth has changed, and still shows it', async () => {
    await checkout.ssh('echo 99.0.0 | sudo tee /var/lib/berth/version');
    for (const words of [['restart'], ['plan'], ['apply'], ['deploy', '--ref', 'HEAD']]) {
      assert.match((await checkout.berth(words)).stderr, /cli_too_old/, words.join(' '));
    }
    for (const word of ['status', 'releases', 'ps', 'history', 'config']) await checkout.must([word]);
  });
});
