import assert from 'node:assert/strict';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runChecked } from '../../scripts/process.ts';
import { cloneRepository } from './checkout.ts';
import { clientOf } from './client.ts';
import { eventually, median, timed, traces } from './computer.ts';
import { refuses } from './refusals.ts';
import { serves } from './serving.ts';
import { tamperings } from './tampering.ts';
import { figure, type User } from './user.ts';

const hostile = { GREETING: `Grüße "you", $HOME \`id\` $(touch /tmp/berth-was-here) 'q' \\n # end` };
const account = { email: 'ada@example.com', password: 'a long enough password' };

/** A fresh clone in an empty folder and only the README, from `./scripts/up` to `berth destroy`. */
describe('a new user', function () {
  this.timeout(600_000);
  this.bail(true);
  let before: Record<string, string[]>;
  const user = {} as User;

  this.beforeAll(async () => {
    before = await traces();
    user.checkout = await cloneRepository({ installed: false });
  });
  this.afterAll(() => user.checkout?.remove());

  it('runs ./scripts/up in a fresh clone', async () => {
    const [result, seconds] = await timed(() =>
      run([join(user.checkout.root, 'scripts/up'), '--machine', 'container'], { cwd: user.checkout.root }),
    );
    figure('./scripts/up from a fresh clone, s', seconds.toFixed(1));
    assert.equal(result.code, 0, result.stderr);
    user.status = await user.checkout.status();
    user.ask = clientOf(user.status);
    for (const printed of [
      user.status.url,
      user.status.ca,
      user.status.ssh,
      'npx berth status',
      'npx berth logs',
      'npx berth deploy',
    ]) {
      assert.ok(result.stdout.includes(printed), `it prints ${printed}`);
    }
    const curl = result.stdout.match(/^\s*(curl --cacert .*)$/m)?.[1] ?? '';
    assert.match((await runChecked(['sh', '-c', `${curl} -sS --fail`])).stdout, /"status":"ok"/);
  });

  it('can use what status --json says as it is', async () => {
    assert.equal(user.status.healthy, true);
    assert.equal(user.status.release, 'v1');
    await runChecked([
      'sh',
      '-c',
      `curl -sS --fail --cacert ${user.status.ca} ${user.status.url}/api/livez && ${user.status.ssh} true`,
    ]);
  });

  for (const [verb, nothing] of [
    ['apply', /^0 added, 0 changed, 0 removed, (\d+) unchanged/m],
    ['plan', /^0 to add, 0 to change, 0 to remove$/m],
  ] as const) {
    it(`runs ${verb} again and again, and nothing differs`, async () => {
      const seconds: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const result = await user.checkout.must([verb]);
        assert.match(result.stdout, nothing);
        seconds.push(result.seconds);
      }
      figure(`converged ${verb} over SSH, median of 5, s`, median(seconds).toFixed(2));
      assert.ok(median(seconds) < 5, 'generous: a shared computer');
    });
  }

  it('has a site of at least 60 resources', async () => {
    const resources = Number((await user.checkout.must(['apply'])).stdout.match(/(\d+) unchanged/)?.[1]);
    figure('resources of the site', resources);
    assert.ok(resources >= 60);
  });

  it('runs ./scripts/up a second time', async () => {
    const [result, seconds] = await timed(() =>
      run([join(user.checkout.root, 'scripts/up'), '--machine', 'container'], { cwd: user.checkout.root }),
    );
    figure('./scripts/up again, s', seconds.toFixed(1));
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /^0 added, 0 changed, 0 removed/m);
    assert.ok(seconds < 60);
  });

  for (const { resources, harm } of tamperings()) {
    it(`sees what was changed by hand, and nothing else, and mends it: ${resources.join(', ')}`, async () => {
      await user.checkout.ssh(`set -e; ${harm}`);
      const plan = await user.checkout.berth(['plan', '--json']);
      assert.equal(plan.code, 2, plan.stdout + plan.stderr);
      assert.deepEqual(planned(plan.stdout).toSorted(), resources.toSorted());
      // What it did not mend would stand beside the next one.
      await user.checkout.must(['apply']);
    });
  }

  it('has mended all of it', () => user.checkout.must(['plan']));

  serves(user);

  it('changes a setting by a new release, and login shells and systemd read the same bytes and run none', async () => {
    await user.ask({ method: 'POST', path: '/api/users', body: account });
    user.checkout.settings(
      `machine: {kind: container}\napps: {api: {watch: 0s, env: {GREETING: ${JSON.stringify(hostile.GREETING)}}}}\n`,
    );
    const applied = await user.checkout.must(['apply']);
    // The environment, what the machine was applied with, and the release.
    assert.match(applied.stdout, /^0 added, 3 changed/m);
    const release = (await user.checkout.status()).release;
    const variable = (output: string) =>
      output
        .split('\0')
        .find((line) => line.startsWith('GREETING='))
        ?.slice('GREETING='.length);
    const shells = [
      'bash -lc "env -0"',
      'sudo -iu api env -0',
      'sudo systemd-run --quiet --pipe --wait -p EnvironmentFile=/etc/api/env env -0',
    ];
    for (const shell of shells)
      assert.equal(variable(await user.checkout.ssh(shell)), hostile.GREETING, shell);
    const environ = `sudo cat /proc/$(pgrep --newest --full '[s]lugs/.*/api/server.ts')/environ`;
    assert.equal(variable(await user.checkout.ssh(environ)), hostile.GREETING, 'the running process');
    assert.match(await user.checkout.ssh('test ! -e /tmp/berth-was-here && echo clean'), /clean/);
    assert.equal((await user.ask({ path: '/api/livez' })).headers['x-release'], release);
  });

  it('runs a command once in the release, with its environment, and returns its exit code', async () => {
    const said = await user.checkout.must([
      'run',
      '--',
      'node',
      '-p',
      '[process.env.GREETING, process.cwd(), process.getuid() > 0]',
    ]);
    assert.ok(said.stdout.includes('Grüße') && said.stdout.includes('/srv/api/slugs/'), said.stdout);
    assert.equal((await user.checkout.berth(['run', '--', 'sh', '-c', 'exit 7'])).code, 7);
    const shell = ['$HOME', '$$', '`id`'];
    assert.equal(
      (await user.checkout.must(['run', '--', 'printf', '%s|', ...shell])).stdout,
      '$HOME|$$|`id`|',
    );
    assert.match((await user.checkout.must(['run', '--', 'sh', '-c', 'echo $RELEASE'])).stdout, /^v\d+$/m);
    assert.equal(
      (await user.checkout.must(['run', '--', 'cat'], { input: 'piped through' })).stdout,
      'piped through',
    );
    assert.match((await user.checkout.must(['psql', '--', '-Atc', 'SELECT current_user'])).stdout, /^api$/m);
  });

  it('restarts as a new release', async () => {
    const number = Number((await user.checkout.status()).release?.slice(1));
    assert.match((await user.checkout.must(['restart'])).stdout, new RegExp(`v${number + 1} is live`));
  });

  it('comes back by itself when its processes are killed, whatever file they leave', async () => {
    const unit = `api@${(await user.checkout.status()).release?.slice(1)}.service`;
    for (const whom of ['main', 'all']) {
      await user.checkout.ssh(`sudo systemctl kill --signal=KILL --kill-whom=${whom} ${unit}`);
      const [, seconds] = await timed(() =>
        eventually('an answer', 30, async () =>
          (await user.ask({ path: '/api/readyz' })).status === 200 ? true : undefined,
        ),
      );
      figure(`SIGKILL of ${whom === 'main' ? 'pm2' : 'all processes'}, back after s`, seconds.toFixed(1));
    }
  });

  it('says in its own words that the application is away', async () => {
    const unit = `api@${(await user.checkout.status()).release?.slice(1)}.service`;
    await user.checkout.ssh(`sudo systemctl stop ${unit}`);
    const answer = await user.ask({ path: '/api/livez' });
    assert.deepEqual(
      [answer.status, answer.headers['content-type'], answer.json.title],
      [502, 'application/problem+json', 'Bad Gateway'],
    );
    assert.equal((await user.checkout.berth(['status'])).code, 1);
    await user.checkout.must(['apply']);
    assert.equal((await user.ask({ path: '/api/readyz' })).status, 200);
  });

  it('deploys a commit once, and not again', async () => {
    const number = Number((await user.checkout.status()).release?.slice(1));
    appendFileSync(join(user.checkout.root, 'api/server.ts'), '\n// another line\n');
    assert.match((await user.checkout.berth(['deploy'])).stderr, /dirty_tree/);
    await runChecked([
      'git',
      '-C',
      user.checkout.root,
      'commit',
      '--quiet',
      '--all',
      '--message',
      'Another line',
    ]);
    const deployed = await user.checkout.must(['deploy']);
    figure('deploy of a source-only change, s', deployed.seconds.toFixed(1));
    assert.match(deployed.stdout, new RegExp(`v${number + 1} is live`));
    assert.match((await user.checkout.must(['deploy'])).stdout, /nothing to do/);
    assert.equal((await user.ask({ path: '/api/livez' })).headers['x-release'], `v${number + 1}`);
  });

  it('keeps what serves when a release is broken, and names why', async () => {
    const before = (await user.checkout.status()).release;
    writeFileSync(join(user.checkout.root, 'api/migrate.ts'), "throw new Error('no such migration');\n");
    const failed = await user.checkout.berth(['deploy', '--dirty']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /release_process_failed/);
    assert.match(failed.stderr, /no such migration/);
    assert.equal((await user.checkout.status()).release, before);
    assert.equal((await user.ask({ path: '/api/readyz' })).status, 200);
    await runChecked(['git', '-C', user.checkout.root, 'checkout', '--quiet', '.']);
    user.checkout.settings(`machine: {kind: container}\napps: {api: {watch: 0s}}\n`);
    await user.checkout.must(['apply']);
  });

  it('answers again after a reboot, with the data that it had', async () => {
    const [, seconds] = await timed(async () => {
      await user.checkout.reboot();
      await eventually('an answer', 60, async () => {
        const answer = await user.ask({
          method: 'POST',
          path: '/api/login',
          body: { username: account.email, password: account.password },
        });
        return answer.status === 200 ? true : undefined;
      });
    });
    figure('reboot asked for to a sign-in with the data from before, s', seconds.toFixed(1));
    assert.ok(seconds < 60);
    assert.equal((await user.checkout.berth(['plan'])).code, 0, 'a reboot changes nothing');
  });

  refuses(user);

  it('destroys the machine, and nothing is left on the computer', async () => {
    const question = await user.checkout.berth(['destroy']);
    assert.equal(question.code, 64, 'nobody is there to answer');
    await user.checkout.must(['destroy', '--yes']);
    assert.ok(!existsSync(join(user.checkout.root, '.berth/machines/local')));
    assert.deepEqual(await traces(), before);
    assert.equal(
      (await run(['git', '-C', user.checkout.root, 'status', '--porcelain'])).stdout,
      ' M provisioning/hosts/local.yml\n',
    );
  });
});

function planned(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { type: string; resource: string })
    .filter(({ type }) => type === 'planned')
    .map(({ resource }) => resource);
}
