import assert from 'node:assert/strict';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { type Client, clientOf } from './client.ts';
import { eventually, median, timed, traces } from './computer.ts';
import { tamperings } from './tampering.ts';

const hostile = { GREETING: `Grüße "you", $HOME \`id\` $(touch /tmp/berth-was-here) 'q' \\n # end` };
const account = { email: 'ada@example.com', password: 'a long enough password' };

/** A fresh clone in an empty folder and only the README, from `./scripts/up` to `berth destroy`. */
describe('a new user', function () {
  this.timeout(600_000);
  this.bail(true);
  let before: Record<string, string[]>;
  let checkout: Checkout;
  let status: Status;
  let ask: Client;

  const figure = (what: string, value: string | number) => console.log(`    figure: ${what}: ${value}`);

  this.beforeAll(async () => {
    before = await traces();
    checkout = await cloneRepository({ installed: false });
  });
  this.afterAll(() => checkout?.remove());

  it('runs ./scripts/up in a fresh clone', async () => {
    const [result, seconds] = await timed(() =>
      run([join(checkout.root, 'scripts/up')], { cwd: checkout.root }),
    );
    figure('./scripts/up from a fresh clone, s', seconds.toFixed(1));
    assert.equal(result.code, 0, result.stderr);
    status = await checkout.status();
    ask = clientOf(status);
    for (const printed of [
      status.url,
      status.ca,
      status.ssh,
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
    assert.equal(status.healthy, true);
    assert.equal(status.release, 'v1');
    await runChecked([
      'sh',
      '-c',
      `curl -sS --fail --cacert ${status.ca} ${status.url}/api/livez && ${status.ssh} true`,
    ]);
  });

  for (const [verb, nothing] of [
    ['apply', /^0 added, 0 changed, 0 removed, (\d+) unchanged/m],
    ['plan', /^0 to add, 0 to change, 0 to remove$/m],
  ] as const) {
    it(`runs ${verb} again and again, and nothing differs`, async () => {
      const seconds: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const result = await checkout.must([verb]);
        assert.match(result.stdout, nothing);
        seconds.push(result.seconds);
      }
      figure(`converged ${verb} over SSH, median of 5, s`, median(seconds).toFixed(2));
      assert.ok(median(seconds) < 5, 'generous: a shared computer');
    });
  }

  it('has a site of at least 60 resources', async () => {
    const resources = Number((await checkout.must(['apply'])).stdout.match(/(\d+) unchanged/)?.[1]);
    figure('resources of the site', resources);
    assert.ok(resources >= 60);
  });

  it('runs ./scripts/up a second time', async () => {
    const [result, seconds] = await timed(() =>
      run([join(checkout.root, 'scripts/up')], { cwd: checkout.root }),
    );
    figure('./scripts/up again, s', seconds.toFixed(1));
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /^0 added, 0 changed, 0 removed/m);
    assert.ok(seconds < 60);
  });

  for (const { resource, harm } of tamperings()) {
    it(`sees that ${resource} was changed by hand, alone, and mends it`, async () => {
      await checkout.ssh(`set -e; ${harm}`);
      const plan = await checkout.berth(['plan', '--json']);
      assert.equal(plan.code, 2, plan.stdout + plan.stderr);
      assert.deepEqual(planned(plan.stdout), [resource]);
      // What it did not mend would stand beside the next one.
      await checkout.must(['apply']);
    });
  }

  it('has mended all of it', () => checkout.must(['plan']));

  it('serves the API with headers, problems and redirects of its own kind', async () => {
    const live = await ask({ path: '/api/livez' });
    assert.equal(live.headers['x-release'], `${(await checkout.status()).release}`);
    assert.equal(live.headers['x-content-type-options'], 'nosniff');
    assert.equal(
      live.headers['strict-transport-security'],
      undefined,
      'HSTS with a local authority would poison the name',
    );
    const page = await ask({ path: '/' });
    assert.equal(page.status, 200);
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
    const missing = await ask({ path: '/nothing' });
    assert.deepEqual([missing.status, missing.headers['content-type']], [404, 'application/problem+json']);
    const large = await ask({ method: 'POST', path: '/api/users', body: 'x'.repeat(2_000_000) });
    assert.deepEqual([large.status, large.headers['content-type']], [413, 'application/problem+json']);
    const plain = await clientOf({ url: status.url.replace('https', 'http') })({ path: '/api/livez?a=1' });
    assert.deepEqual([plain.status, plain.headers.location], [308, `${status.url}/api/livez?a=1`]);
  });

  it('offers TLS 1.2 and 1.3 alone, from an authority that can vouch for this machine alone', async () => {
    const address = new URL(status.url).host;
    const offers = async (flag: string) => {
      const argv = ['openssl', 's_client', '-connect', `${address}:443`, flag, '-CAfile', status.ca];
      const { stdout } = await run([...argv, '-cipher', 'ALL:@SECLEVEL=0'], { input: '' });
      return (
        /^New, TLSv1.*Cipher is (?!\(NONE\))/m.test(stdout) && stdout.includes('Verify return code: 0 (ok)')
      );
    };
    assert.deepEqual(await Promise.all(['-tls1_3', '-tls1_2', '-tls1_1', '-tls1'].map(offers)), [
      true,
      true,
      false,
      false,
    ]);
    const authority = await runChecked(['openssl', 'x509', '-in', status.ca, '-noout', '-text']);
    assert.match(
      authority.stdout,
      new RegExp(`Permitted:\\s+IP:${address.replaceAll('.', '\\.')}/255.255.255.255`),
    );
    assert.equal(
      (
        await checkout.ssh('sudo stat -c %a:%U /etc/berth/tls/authority.pem /etc/berth/tls/server.pem')
      ).trim(),
      '600:root\n600:root',
    );
  });

  it('serves a new certificate as soon as the old one is replaced', async () => {
    await checkout.ssh('sudo rm /etc/berth/tls/server.pem');
    assert.match((await checkout.must(['apply'])).stdout, /^1 added, 1 changed, 0 removed/m);
    const onDisk = await checkout.ssh('sudo openssl x509 -in /etc/berth/tls/server.pem');
    const argv = ['openssl', 's_client', '-connect', `${new URL(status.url).host}:443`];
    // systemctl asks for a reload and does not await it: the workers before may take one more connection.
    await eventually('the new certificate', 5, async () => {
      const { stdout } = await run(argv, { input: '' });
      return stdout.includes(onDisk.trim()) ? true : undefined;
    });
  });

  it('closes the connection of a client that never finishes its request', async () => {
    const { host } = new URL(status.url);
    const script = `exec 3<>/dev/tcp/${host}/80; printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n' >&3; timeout 40 cat <&3; test $? -ne 124`;
    const [result, seconds] = await timed(() => run(['bash', '-c', script]));
    assert.equal(result.code, 0);
    assert.ok(seconds > 5 && seconds < 35, `${seconds} s`);
  });

  it('changes a setting by a new release, and login shells and systemd read the same bytes and run none', async () => {
    await ask({ method: 'POST', path: '/api/users', body: account });
    checkout.settings(
      `machine: {kind: container}\napps: {api: {watch: 0s, env: {GREETING: ${JSON.stringify(hostile.GREETING)}}}}\n`,
    );
    const applied = await checkout.must(['apply']);
    // The environment, what the machine was applied with, and the release.
    assert.match(applied.stdout, /^0 added, 3 changed/m);
    const release = (await checkout.status()).release;
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
    for (const shell of shells) assert.equal(variable(await checkout.ssh(shell)), hostile.GREETING, shell);
    const environ = `sudo cat /proc/$(pgrep --newest --full '[s]lugs/.*/api/server.ts')/environ`;
    assert.equal(variable(await checkout.ssh(environ)), hostile.GREETING, 'the running process');
    assert.match(await checkout.ssh('test ! -e /tmp/berth-was-here && echo clean'), /clean/);
    assert.equal((await ask({ path: '/api/livez' })).headers['x-release'], release);
  });

  it('runs the application in a sandbox that systemd rates 1.3 or better, and it can read nothing else', async () => {
    const release = (await checkout.status()).release?.slice(1);
    const rating = await checkout.ssh(
      `sudo systemd-analyze security --no-pager api@${release}.service | tail -n 1`,
    );
    const exposure = Number(rating.match(/: ([\d.]+)/)?.[1]);
    figure('systemd-analyze security, exposure of the application', exposure);
    assert.ok(exposure <= 1.3, rating);
    assert.match(
      await checkout.ssh('sudo -u nobody psql -d api -c "select 1" 2>&1; true'),
      /FATAL|does not exist|refused|denied/,
    );
    assert.equal(
      (
        await checkout.ssh('sudo -u www-data sh -c "cat /etc/api/env /srv/api/current/env" 2>/dev/null; true')
      ).trim(),
      '',
    );
    assert.equal((await checkout.ssh('ss -Hltn | grep -c 5432; true')).trim(), '0');
  });

  it('runs a command once in the release, with its environment, and returns its exit code', async () => {
    const said = await checkout.must([
      'run',
      '--',
      'node',
      '-p',
      '[process.env.GREETING, process.cwd(), process.getuid() > 0]',
    ]);
    assert.ok(said.stdout.includes('Grüße') && said.stdout.includes('/srv/api/slugs/'), said.stdout);
    assert.equal((await checkout.berth(['run', '--', 'sh', '-c', 'exit 7'])).code, 7);
    const shell = ['$HOME', '$$', '`id`'];
    assert.equal((await checkout.must(['run', '--', 'printf', '%s|', ...shell])).stdout, '$HOME|$$|`id`|');
    assert.match((await checkout.must(['run', '--', 'sh', '-c', 'echo $RELEASE'])).stdout, /^v\d+$/m);
    assert.equal(
      (await checkout.must(['run', '--', 'cat'], { input: 'piped through' })).stdout,
      'piped through',
    );
    assert.match((await checkout.must(['psql', '--', '-Atc', 'SELECT current_user'])).stdout, /^api$/m);
  });

  it('restarts as a new release', async () => {
    const number = Number((await checkout.status()).release?.slice(1));
    assert.match((await checkout.must(['restart'])).stdout, new RegExp(`v${number + 1} is live`));
  });

  it('keeps every line of a log of more than 1,000 lines a second', async () => {
    const script = `
      const { request, Agent } = require('node:http');
      const socketPath = '/run/api/current.sock', agent = new Agent({ keepAlive: true, maxSockets: 32 });
      const one = () => new Promise((resolve, reject) => request({ socketPath, agent, path: '/api/users/1' }, (answer) => answer.resume().on('end', resolve)).on('error', reject).end());
      const began = Date.now(); let left = 20000;
      const worker = async () => { while (left-- > 0) await one(); };
      Promise.all(Array.from({ length: 32 }, worker)).then(() => console.log(20000 / (Date.now() - began) * 1000));`;
    const count = async () =>
      Number(
        await checkout.ssh(
          'sudo journalctl --sync; sudo journalctl -u "api@*" -o cat | grep -c \'"route":"/api/users/:id","status":401\' || true',
        ),
      );
    const earlier = await count();
    const rate = Number(await checkout.ssh('sudo /opt/berth/node/bin/node', script));
    figure('log lines a second, none lost', Math.round(rate));
    await eventually('the lines of 20,000 requests', 30, async () =>
      (await count()) - earlier === 20_000 ? true : undefined,
    );
  });

  it('comes back by itself when its processes are killed, whatever file they leave', async () => {
    const unit = `api@${(await checkout.status()).release?.slice(1)}.service`;
    for (const whom of ['main', 'all']) {
      await checkout.ssh(`sudo systemctl kill --signal=KILL --kill-whom=${whom} ${unit}`);
      const [, seconds] = await timed(() =>
        eventually('an answer', 30, async () =>
          (await ask({ path: '/api/readyz' })).status === 200 ? true : undefined,
        ),
      );
      figure(`SIGKILL of ${whom === 'main' ? 'pm2' : 'all processes'}, back after s`, seconds.toFixed(1));
    }
  });

  it('says in its own words that the application is away', async () => {
    const unit = `api@${(await checkout.status()).release?.slice(1)}.service`;
    await checkout.ssh(`sudo systemctl stop ${unit}`);
    const answer = await ask({ path: '/api/livez' });
    assert.deepEqual(
      [answer.status, answer.headers['content-type'], answer.json.title],
      [502, 'application/problem+json', 'Bad Gateway'],
    );
    assert.equal((await checkout.berth(['status'])).code, 1);
    await checkout.must(['apply']);
    assert.equal((await ask({ path: '/api/readyz' })).status, 200);
  });

  it('deploys a commit once, and not again', async () => {
    const number = Number((await checkout.status()).release?.slice(1));
    appendFileSync(join(checkout.root, 'api/server.ts'), '\n// another line\n');
    assert.match((await checkout.berth(['deploy'])).stderr, /dirty_tree/);
    await runChecked(['git', '-C', checkout.root, 'commit', '--quiet', '--all', '--message', 'Another line']);
    const deployed = await checkout.must(['deploy']);
    figure('deploy of a source-only change, s', deployed.seconds.toFixed(1));
    assert.match(deployed.stdout, new RegExp(`v${number + 1} is live`));
    assert.match((await checkout.must(['deploy'])).stdout, /nothing to do/);
    assert.equal((await ask({ path: '/api/livez' })).headers['x-release'], `v${number + 1}`);
  });

  it('keeps what serves when a release is broken, and names why', async () => {
    const before = (await checkout.status()).release;
    writeFileSync(join(checkout.root, 'api/migrate.ts'), "throw new Error('no such migration');\n");
    const failed = await checkout.berth(['deploy', '--dirty']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /release_process_failed/);
    assert.match(failed.stderr, /no such migration/);
    assert.equal((await checkout.status()).release, before);
    assert.equal((await ask({ path: '/api/readyz' })).status, 200);
    await runChecked(['git', '-C', checkout.root, 'checkout', '--quiet', '.']);
    checkout.settings(`machine: {kind: container}\napps: {api: {watch: 0s}}\n`);
    await checkout.must(['apply']);
  });

  it('answers again after a reboot, with the data that it had', async () => {
    const [, seconds] = await timed(async () => {
      await checkout.reboot();
      await eventually('an answer', 60, async () => {
        const answer = await ask({
          method: 'POST',
          path: '/api/login',
          body: { username: account.email, password: account.password },
        });
        return answer.status === 200 ? true : undefined;
      });
    });
    figure('reboot asked for to a sign-in with the data from before, s', seconds.toFixed(1));
    assert.ok(seconds < 60);
    assert.equal((await checkout.berth(['plan'])).code, 0, 'a reboot changes nothing');
  });

  it('prints what the application takes', async () => {
    const memory = await checkout.ssh(`ps -o rss=,args= -u api | awk '{ print $1 / 1024 " MiB", $2, $3 }'`);
    for (const line of memory.trim().split('\n')) figure('memory', line);
  });

  it('holds a second apply off and names who holds the machine; what its operator left is waited for', async () => {
    await checkout.ssh(
      'sudo dpkg --remove --force-depends logrotate >/dev/null; sudo rm -f /var/lib/apt/lists/*_Packages*',
    );
    const first = checkout.berth(['apply', '--json']);
    await eventually('the first apply', 20, async () =>
      (await checkout.ssh('systemctl is-active berth-run.service || true')).trim() === 'active'
        ? true
        : undefined,
    );
    const second = await checkout.berth(['apply']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /is held by the apply that \w+@\S+ began \d+ s ago \(locked\)/);
    assert.equal((await first).code, 0);
  });

  it('stops at Ctrl-C and goes on with the same command', async () => {
    await checkout.ssh(
      'sudo rm -rf /var/www/berth /etc/nginx/berth/tls.conf; sudo dpkg --remove --force-depends logrotate >/dev/null',
    );
    const stop = new AbortController();
    const interrupted = run(
      ['timeout', '--signal=INT', '1.5', join(checkout.root, 'scripts/berth'), 'apply'],
      { cwd: checkout.root, signal: stop.signal },
    );
    const { code, stderr } = await interrupted;
    assert.ok([0, 1, 124, 130].includes(code), `${code}: ${stderr}`);
    await checkout.must(['apply']);
    assert.equal((await checkout.berth(['plan'])).code, 0);
  });

  it('is told what is wrong with its input, and nothing changes', async () => {
    const wrong: [string, RegExp, number][] = [
      [
        'machine: {kind: container}\napps: {api: {procesess: {web: 2}}}\n',
        /local\.yml:2:\d+ .*procesess.*did you mean "processes"/s,
        1,
      ],
      [
        'machine: {kind: container}\nadmin: {keys: [ssh-ed25519 AAAA]}\napps: {api: {watch: 0s}}\n',
        /local\.yml:2:\d+ .*admin\.keys/s,
        1,
      ],
      ['machine: {kind: vm}\napps: {api: {watch: 0s}}\n', /local\.yml:1:\d+ .*machine\.kind/s, 1],
    ];
    for (const [yaml, message, code] of wrong) {
      checkout.settings(yaml);
      const result = await checkout.berth(['apply']);
      assert.match(result.stderr, message);
      assert.equal(result.code, code, result.stderr);
    }
    checkout.settings('machine: {kind: container}\napps: {api: {watch: 0s}}\n');
    assert.equal((await checkout.berth(['plan', '--host', 'nowhere'])).code, 64);
    assert.equal((await checkout.berth(['aply'])).code, 64);
    assert.equal((await checkout.berth(['plan'])).code, 0);
  });

  it('is told who has taken a port of the machine', async () => {
    await checkout.ssh(
      `sudo systemctl stop nginx; sudo systemd-run --quiet --unit=squatter /opt/berth/node/bin/node -e "require('net').createServer().listen(443)"`,
    );
    await eventually('the squatter', 10, async () =>
      (await checkout.ssh('ss -Hltn sport = :443')).trim() === '' ? undefined : true,
    );
    const refused = await checkout.berth(['apply']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /port 443 of the machine is taken by (node|MainThread).*port_taken/s);
    await checkout.ssh('sudo systemctl stop squatter');
    await checkout.must(['apply']);
  });

  it('is told when the machine is switched off, and switches it on', async () => {
    await checkout.must(['down']);
    for (const words of [['status'], ['apply'], ['plan'], ['deploy'], ['logs']]) {
      const result = await checkout.berth(words);
      assert.equal(result.code, 1);
      assert.match(result.stderr, /machine_stopped/, words.join(' '));
      assert.match(result.stderr, /berth up/);
    }
    await checkout.must(['up']);
  });

  it('destroys the machine, and nothing is left on the computer', async () => {
    const question = await checkout.berth(['destroy']);
    assert.equal(question.code, 64, 'nobody is there to answer');
    await checkout.must(['destroy', '--yes']);
    assert.ok(!existsSync(join(checkout.root, '.berth/machines/local')));
    assert.deepEqual(await traces(), before);
    assert.equal(
      (await run(['git', '-C', checkout.root, 'status', '--porcelain'])).stdout,
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
