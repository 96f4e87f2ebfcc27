import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunResult, run, runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { type Client, clientOf } from './client.ts';
import { eventually, timed } from './computer.ts';

/** An application of a few lines that is pushed to the machine, and the bundled one that is deployed to two. */
describe('git push', function () {
  this.timeout(300_000);
  this.bail(true);
  let checkout: Checkout;
  let status: Status;
  let ask: Client;
  let source: string;
  let gate: { server: Server; url: string; waiting: ServerResponse[] };
  const figure = (what: string, value: string) => console.log(`    figure: ${what}: ${value}`);

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    for (const host of ['local', 'other'])
      writeFileSync(
        join(checkout.root, `provisioning/hosts/${host}.yml`),
        'machine: {kind: container}\napps: {api: {watch: 0s}}\n',
      );
    await Promise.all([checkout.must(['up']), checkout.must(['up', '-H', 'other'])]);
    status = await checkout.status();
    ask = clientOf(status);
    source = mkdtempSync(join(tmpdir(), 'berth-push-'));
    for (const [key, value] of Object.entries(identity)) process.env[key] = value;
    await runChecked(['git', 'init', '--quiet', '--initial-branch=main', source]);
    gate = await openGate();
  });
  this.afterAll(async () => {
    gate?.server.close();
    if (source) rmSync(source, { recursive: true, force: true });
    await checkout?.berth(['destroy', '-H', 'other', '--yes']);
    await checkout?.remove();
  });

  /** What a build waits for until the test answers it. */
  async function openGate() {
    const waiting: ServerResponse[] = [];
    const server = createServer((_request, response) => void waiting.push(response)).listen(0);
    await once(server, 'listening');
    const address = new URL(status.url).hostname.replace(/\d+$/, '1');
    return { server, url: `http://${address}:${(server.address() as AddressInfo).port}/`, waiting };
  }

  async function commit(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(source, name), text);
    await runChecked(['git', '-C', source, 'add', '--all']);
    await runChecked(['git', '-C', source, 'commit', '--quiet', '--allow-empty', '--message', 'Change']);
  }
  const undo = () => runChecked(['git', '-C', source, 'reset', '--quiet', '--hard', 'HEAD~1']);
  const environment = () => ({
    GIT_SSH_COMMAND: `ssh -F ${join(checkout.root, '.berth/machines/local/ssh_config')}`,
  });
  const pushArgv = (...refs: string[]) => ['git', '-C', source, 'push', 'ssh://deploy@local/~/api', ...refs];
  const push = (...refs: string[]): Promise<RunResult> =>
    run(pushArgv(...(refs.length === 0 ? ['main'] : refs)), { env: environment() });
  const page = async () => (await ask({ path: '/api/' })).text;
  const live = async () => (await checkout.status()).release;
  const pushed = async () =>
    (await runChecked(['git', '-C', source, 'ls-remote', 'ssh://deploy@local/~/api'], { env: environment() }))
      .stdout;

  it('builds and deploys the commit, and shows the pusher how it goes', async () => {
    await commit(application('one'));
    const [{ code, stderr }, seconds] = await timed(() => push());
    figure('git push of a small application to live, s', seconds.toFixed(1));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /remote: api [0-9a-f]+ is deployed for berth-local/);
    assert.match(stderr, /remote: installs the dependencies/);
    assert.match(stderr, /remote: v2 is healthy[\s\S]*remote: api v2 is live: https:/);
    assert.equal(await page(), 'one');
    const head = (await runChecked(['git', '-C', source, 'rev-parse', 'HEAD'])).stdout.trim();
    assert.ok(head.startsWith((await checkout.status()).commit));
    assert.match((await checkout.must(['history'])).stdout, /push [0-9a-f]+ +api +done v2.*berth-local/);
  });

  it('changes nothing where the same is live', async () => {
    assert.match((await push()).stderr, /Everything up-to-date/);
    await commit({});
    const { code, stderr } = await push();
    assert.deepEqual([code, await live()], [0, 'v2'], stderr);
    assert.match(stderr, /api v2 is live already/);
  });

  it('runs a build script that sees neither a secret nor another process', async () => {
    const secret = (await checkout.ssh('sudo grep -o "JWT_KEYS=.*" /etc/api/env')).trim().slice(10, -1);
    assert.ok(secret.length > 40);
    await commit(application('two', `sh spy.sh >spied.txt 2>&1`));
    const { code, stderr } = await push();
    assert.equal(code, 0, stderr);
    const spied = await page();
    assert.ok(!spied.includes(secret) && !stderr.includes(secret));
    assert.match(spied, /^uid=\d{5} /);
    assert.doesNotMatch(spied, /READ/, spied);
    assert.match(spied, /node_modules is the build's own/);
  });

  const refused: [what: string, files: () => Record<string, string>, said: RegExp][] = [
    [
      'whose build fails, with its last lines',
      () => application('three', 'echo the compiler is unhappy; exit 3'),
      /remote: {3}the compiler is unhappy *\nremote: error: the build of api failed \(build_failed\)/,
    ],
    [
      'whose release is not healthy',
      () => ({ ...application('three'), 'server.js': "throw new Error('broken on purpose');\n" }),
      /broken on purpose[\s\S]*\(release_crashes\)/,
    ],
    [
      'whose build leaves a symlink that leads out',
      () => application('three', 'ln -s ../../../../etc/api/env stolen'),
      /the symlink stolen leads out .*\(slug_refused\)/,
    ],
    [
      'whose build leaves a path that is too long',
      () =>
        application('three', `i=0; while [ $i -lt 39 ]; do mkdir ${deep} && cd ${deep}; i=$((i+1)); done`),
      /a path of more than 2000 bytes \(slug_refused\)/,
    ],
  ];
  for (const [what, files, said] of refused) {
    it(`refuses a commit ${what}`, async () => {
      const before = [await live(), await pushed(), await page()];
      await commit(files());
      const { code, stderr } = await push();
      await undo();
      assert.equal(code, 1);
      assert.match(stderr, said);
      assert.match(stderr, /pre-receive hook declined/);
      assert.deepEqual([await live(), await pushed(), await page()], before);
    });
  }

  it('takes one branch', async () => {
    const before = await pushed();
    for (const refs of [['main:feature'], ['main', 'main:feature'], [':main']]) {
      const { code, stderr } = await push(...refs);
      assert.equal(code, 1);
      assert.match(stderr, /api deploys the branch main alone|deletion prohibited/, stderr);
    }
    assert.equal(await pushed(), before);
  });

  it('names berth deploy where the machine has no way to a registry', async () => {
    const route = (await checkout.ssh('ip route show default')).trim();
    await checkout.ssh(`sudo ip route del ${route} && sudo ip route add unreachable default`);
    try {
      await commit(application('four', 'true'));
      const [{ code, stderr }, seconds] = await timed(() => push());
      await undo();
      assert.equal(code, 1, stderr);
      assert.match(
        stderr,
        /error: this machine reaches no npm registry, so it cannot build api \(no_registry\)/,
      );
      assert.match(stderr, /next: {2}run berth deploy on your computer/);
      assert.ok(seconds < 60, `${seconds} s`);
      // Nothing is to be installed for this one.
      await commit(application('four'));
      assert.equal((await push()).code, 0);
      assert.equal(await page(), 'four');
    } finally {
      await checkout.ssh(`sudo ip route del unreachable default && sudo ip route add ${route}`);
    }
  });

  it('is refused beside another, which finishes although its pusher is gone', async () => {
    await commit(application('five', `node -e 'fetch("${gate.url}").then((answer) => answer.text())'`));
    const [program = '', ...args] = pushArgv('main');
    const first = spawn(program, args, { env: { ...process.env, ...environment() }, detached: true });
    await eventually('the build', 60, async () => gate.waiting[0]);
    const other = await push();
    assert.equal(other.code, 1);
    assert.match(other.stderr, /the machine is held by the push that berth-local began \d+ s ago \(locked\)/);
    kill(first);
    (gate.waiting[0] as ServerResponse).end('go on');
    await eventually('the release', 60, async () => ((await page()) === 'five' ? true : undefined));
    const again = await eventually('the end of the run', 30, async () => {
      const result = await push();
      return result.code === 0 ? result : undefined;
    });
    assert.match(again.stderr, /up-to-date|is live already|is live:/);
    assert.deepEqual((await checkout.ssh('sudo ls /var/lib/berth/build')).trim(), '');
  });

  it('leaves nothing to do for a deploy of the same commit, which is built to the same slug', async () => {
    await commit(application('six', 'cp text copied && ln -s copied linked && mkdir empty'));
    const { code, stderr } = await push();
    assert.equal(code, 0, stderr);
    await runChecked(['git', '-C', checkout.root, 'fetch', '--quiet', source, 'main']);
    const before = await live();
    // Named by its commit, so that it does not matter what the working tree looks like.
    writeFileSync(join(checkout.root, 'api/server.ts'), 'not committed');
    assert.equal((await checkout.berth(['deploy'])).code, 1);
    const { stdout } = await checkout.must(['deploy', '--ref', 'FETCH_HEAD']);
    assert.equal(stdout, `api ${before} is live already, nothing to do\n`);
    const both = await checkout.berth(['deploy', '--ref', 'HEAD', '--dirty']);
    assert.deepEqual([both.code, /wrong_usage/.test(both.stderr)], [64, true]);
  });

  it('has a deploy to several machines beside it, side by side, of which one may fail', async () => {
    const { stdout, stderr } = await checkout.must(['deploy', '-H', 'local,other', '--ref', 'HEAD']);
    assert.match(stdout, /^local \| api v\d+ is live$/m);
    assert.match(stdout, /^other \| api v1 is live already, nothing to do$/m);
    assert.match(stderr, /^local \| ✓ builds the slug/m);
    assert.match(stderr, /^other \| ✓ builds the slug/m);
    await checkout.must(['down', '-H', 'other']);
    const failed = await checkout.berth(['deploy', '-H', 'local,other', '--ref', 'FETCH_HEAD']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^other \| error: the machine other is switched off \(machine_stopped\)$/m);
    assert.match(failed.stderr, /^failed on other; done on 1 of 2 hosts$/m);
    assert.equal(await page(), 'six');
  });
});

function kill(child: ChildProcess): void {
  // The whole group, as a terminal that is closed ends it: git and its ssh.
  process.kill(-(child.pid as number), 'SIGKILL');
}

const identity = {
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
};

const deep = 'd'.repeat(100);

/** What a build would like to read, and shall not. */
const spy = `id
[ "$PWD" = "$(cd node_modules/.. && pwd)" ] && echo "node_modules is the build's own"
for path in /etc/api/env /etc/berth/settings.json /srv/api/current /home/deploy/.ssh/authorized_keys \\
  /var/lib/berth/runs /run/berth/holder.json /etc/shadow /proc/1/environ; do
  [ -r "$path" ] && echo "READ $path"
done
cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -E '^(JWT_KEYS|DATABASE_URL)=' && echo "READ environ"
[ -w /etc ] || [ -w /opt/berth ] || [ -w /usr ] && echo "READ and write"
true
`;

function application(text: string, build?: string): Record<string, string> {
  const scripts = build === undefined ? {} : { build };
  const about = { name: 'small', version: '1.0.0' };
  const lock = { ...about, lockfileVersion: 3, requires: true, packages: { '': about } };
  return {
    'package.json': JSON.stringify({ ...about, type: 'module', scripts }),
    'package-lock.json': JSON.stringify(lock),
    Procfile: 'web: node server.js\n',
    text,
    'spy.sh': spy,
    'server.js': `import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const page = readFileSync(existsSync('spied.txt') ? 'spied.txt' : 'text');
createServer((request, response) => {
  response.end(request.url === '/api/readyz' ? 'ready' : page);
}).listen(process.env.PORT);
`,
  };
}
