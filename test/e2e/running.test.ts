import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { type Client, clientOf } from './client.ts';
import { eventually } from './computer.ts';
import { askSteadily, outage, type Seen } from './steady.ts';

/** How long PostgreSQL stays away, in seconds; an hour is as good. */
const awaySeconds = Number(process.env.BERTH_AWAY ?? 20);

/** Knows nothing of signals, and keeps 100 kB of each request for ever. */
const leaky = `
  import { createServer } from 'node:http';
  const kept = [];
  createServer((request, response) => {
    if (request.url !== '/api/readyz') kept.push(Buffer.alloc(100_000, 1));
    setTimeout(() => response.end('done'), 100);
  }).listen(process.env.PORT);
`;
const processes = `web: node api/server.ts
release: node api/migrate.ts
worker: node worker.js
brief: echo "said at once"; exit 1
`;

/** What runs for a year: its logs, its maintenance, its messages, and what looks after itself. */
describe('a machine that runs', function () {
  this.timeout(900_000);
  this.bail(true);
  let checkout: Checkout;
  let status: Status;
  let ask: Client;
  let hook: Server;
  const posted: Record<string, unknown>[] = [];
  const figure = (what: string, value: string | number) => console.log(`    figure: ${what}: ${value}`);
  const hosts = (app: string) =>
    checkout.settings(
      `machine: {kind: container}\nnotify: {webhook: {url: "${webhook()}"}}\napps: {api: {watch: 0s, ${app}}}\n`,
    );
  const webhook = () => `http://10.77.0.1:${(hook.address() as { port: number }).port}/hook`;
  const unit = async () => `api@${(await checkout.status()).release?.slice(1)}.service`;

  this.beforeAll(async () => {
    hook = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      request.on('end', () => {
        posted.push(JSON.parse(text));
        response.end();
      });
    }).listen(0, '0.0.0.0');
    await once(hook, 'listening');
    checkout = await cloneRepository({ installed: true });
    hosts('processes: {web: 2, worker: 1, brief: 1}');
    await commit({
      Procfile: processes,
      'worker.js': "setInterval(() => console.log('works for', process.env.RELEASE), 500);\n",
    });
    await checkout.must(['up']);
    status = await checkout.status();
    ask = clientOf(status);
  });
  this.afterAll(async () => {
    hook?.close();
    await checkout?.remove();
  });

  async function commit(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(checkout.root, name), text);
    await runChecked(['git', '-C', checkout.root, 'add', '--all']);
    await runChecked(['git', '-C', checkout.root, 'commit', '--quiet', '--message', 'Change']);
  }

  /** `berth` with these words until `until` is in its output, then Ctrl-C. */
  async function followed(words: string[], until: RegExp, meanwhile: () => Promise<unknown>) {
    const berth = spawn(join(checkout.root, 'scripts/berth'), words, { cwd: checkout.root });
    let text = '';
    berth.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const ended = once(berth, 'close');
    await eventually('the first lines', 30, async () => (text === '' ? undefined : true));
    await meanwhile();
    await eventually(`${until}`, 30, async () => (until.test(text) ? true : undefined));
    berth.kill('SIGINT');
    const [code] = await ended;
    return { text, code };
  }

  it('follows the log over a deploy, and leaves nothing on the machine when it is stopped', async () => {
    const number = Number(status.release?.slice(1));
    const next = new RegExp(`worker v${number + 1} works for v${number + 1}`);
    const { text, code } = await followed(['logs', '-f', '-n', '5'], next, () => checkout.must(['restart']));
    assert.equal(code, 0);
    for (const said of [
      `worker v${number} works`,
      `web v${number + 1} info listening`,
      `systemd v${number + 1} Started`,
    ]) {
      assert.ok(text.includes(said), said);
    }
    await eventually('no journalctl left', 10, async () =>
      (await checkout.ssh('pgrep -c "^journalctl" || true')).trim() === '0' ? true : undefined,
    );
  });

  it('knows each line’s process, also of one that ends at once', async () => {
    const of = async (...words: string[]) => (await checkout.must(['logs', ...words])).stdout;
    assert.match(await of('--process', 'worker', '-n', '1'), /^\S+Z worker v\d+ works for v\d+\n$/);
    const ends =
      (await of('--process', 'pm2', '--since', '1h')).match(/api-brief:\d+\] exited/g)?.length ?? 0;
    const said =
      (await of('--process', 'brief', '--since', '1h')).match(/brief v\d+ said at once/g)?.length ?? 0;
    assert.ok(ends > 3 && said >= ends, `${said} lines of ${ends} processes`);
    const [line = ''] = (await of('--process', 'web', '--grep', 'listening', '-n', '1', '--json')).split(
      '\n',
    );
    const { app, level, message } = JSON.parse(line);
    assert.deepEqual([app, level, message], ['api', 'info', 'listening']);
  });

  it('measures its requests, and tells nobody but who is on the machine', async () => {
    await ask({ path: '/api/livez' });
    const scrape = async (headers: object) => {
      const asked = { socketPath: '/run/api/current.sock', path: '/metrics', headers };
      const program = `require("http").get(${JSON.stringify(asked)}, (answer) => answer.pipe(process.stdout))`;
      return checkout.ssh(`sudo /opt/berth/node/bin/node -e '${program}'`);
    };
    const text = await scrape({});
    assert.match(text, /^http_request_duration_seconds_count\{.*route="\/api\/livez",status="200"\} [1-9]/m);
    assert.match(text, /^api_processes 2$/m);
    const { status: code } = JSON.parse(await scrape({ 'X-Real-IP': '127.0.0.1' }));
    assert.equal(code, 404);
    for (const path of ['/metrics', '/api/metrics'])
      assert.ok(!(await ask({ path })).text.includes('http_request_duration_seconds'), path);
    assert.equal(await checkout.ssh('sudo find /run/api/sockets -name "*.sock.*" -not -perm 600'), '');
    assert.match(
      (await checkout.must(['status'])).stdout,
      /^load +\d+\.\d requests\/s \(0\.0 % failed, p99 .+ ms since its start\), pool \d+\/\d+, lag .+ ms$/m,
    );
  });

  it('reads nginx’s log over a rotation', async () => {
    await ask({ path: '/api/livez?before' });
    await checkout.ssh('sleep 1.2; sudo logrotate --force /etc/logrotate.d/nginx');
    await ask({ path: '/api/posts?after' });
    const lines = await eventually('both requests', 10, async () => {
      const { stdout } = await checkout.must(['logs', '--access', '--since', '10m', '--grep', 'livez|posts']);
      return /livez.*\n(.*\n)*.*api\/posts 401/.test(stdout) ? stdout : undefined;
    });
    assert.match(lines, /^\S+Z api v\d+ GET \S+\/api\/livez 200 /m);
    await checkout.must(['plan']);
  });

  it('switches maintenance on and off under keep-alive clients, and no connection notices', async () => {
    const isFine = ({ status: code, text }: Seen) =>
      code === 200 || (code === 503 && JSON.parse(text).type === 'urn:berth:problem:maintenance');
    const steady = askSteadily(status, { path: '/api/livez', clients: 16, everyMs: 5 });
    for (let round = 0; round < 3; round += 1) {
      await checkout.must(['maintenance', 'on', '--retry-after', `${round + 1}m`]);
      await wait(300);
      await checkout.must(['maintenance', 'off']);
      await wait(300);
    }
    await steady.stop();
    const codes = Map.groupBy(steady.seen, ({ status: code }) => code);
    figure('requests while maintenance was switched 6 times', steady.seen.length);
    assert.deepEqual(steady.seen.filter((one) => !isFine(one)).slice(0, 3), []);
    assert.ok(codes.has(200) && codes.has(503));
  });

  it('turns everybody away but those on the list, over apply, deploy and reboot', async () => {
    const get = (accept: string) =>
      ask({ path: '/api/posts', method: 'POST', body: {}, headers: { accept } });
    await checkout.must(['maintenance', 'on', '--message', '<b>Moving</b>', '--retry-after', '90s']);
    const [problem, page] = [await get('*/*'), await get('text/html,*/*')];
    assert.deepEqual([problem.status, problem.json.detail], [503, '<b>Moving</b>']);
    assert.equal(problem.headers['content-type'], 'application/problem+json');
    assert.equal(problem.headers['retry-after'], '90');
    assert.equal(problem.json.request_id, problem.headers['x-request-id']);
    assert.ok(page.status === 503 && page.text.includes('&#60;b&#62;Moving'), page.text);
    await checkout.must(['plan']);
    await checkout.must(['restart']);
    await checkout.reboot();
    await eventually('maintenance after a reboot', 60, async () =>
      (await get('*/*')).json.title === 'Under maintenance' ? true : undefined,
    );
    await eventually('a healthy release', 60, async () =>
      (await checkout.status()).healthy ? true : undefined,
    );
    await checkout.must(['maintenance', 'on', '--allow', '10.77.0.0/24,2001:db8::/32']);
    await eventually('an answer for who is on the list', 5, async () =>
      (await ask({ path: '/api/livez' })).status === 200 ? true : undefined,
    );
    await checkout.must(['plan']);
    await checkout.must(['maintenance', 'off']);
  });

  it('posts how a deploy ended and which unit failed, and no run waits for it', async () => {
    posted.length = 0;
    await commit({ 'api/note.ts': '// another line\n' });
    await checkout.must(['deploy']);
    await checkout.ssh(
      'sudo systemd-run --quiet --unit=e2e-broken --property=Type=oneshot --no-block --property=OnFailure=berth-failed@e2e-broken.service.service false; sudo systemctl reset-failed',
    );
    await eventually('both messages', 30, async () => (posted.length >= 2 ? true : undefined));
    const about = posted.map(({ event, ok, unit: failed, app }) => [event, ok, failed ?? app]);
    assert.deepEqual(about, [
      ['deploy', true, 'api'],
      ['unit_failed', false, 'e2e-broken.service'],
    ]);
  });

  const mainOf = async (of: string) => Number(await checkout.ssh(`systemctl show -p MainPID --value ${of}`));
  const webOf = async () => {
    const lines = (await checkout.must(['ps', '--json'])).stdout.trim().split('\n');
    const all = lines.map((line) => JSON.parse(line) as { process: string; state: string; pid: number });
    return all.find(({ process, state }) => process === 'web.1' && state === 'live')?.pid ?? 0;
  };
  const killed: [what: string, pidOf: (of: string) => Promise<number>][] = [
    ['pm2', mainOf],
    ['a web process', webOf],
    ['nginx', () => mainOf('nginx')],
    ['journald', () => mainOf('systemd-journald')],
  ];
  for (const [what, pidOf] of killed) {
    it(`is back by itself after the end of ${what}`, async () => {
      const of = await unit();
      const steady = askSteadily(status, { path: '/api/readyz', clients: 4, everyMs: 50 });
      const before = await pidOf(of);
      assert.ok(before > 1);
      await checkout.ssh(`sudo kill -KILL ${before}`);
      await eventually(
        'another process',
        30,
        async () => ![0, before].includes(await pidOf(of)) || undefined,
      );
      const since = steady.seen.length;
      await eventually('answers again', 30, async () =>
        steady.seen.length > since && steady.seen.at(-1)?.status === 200 ? true : undefined,
      );
      await steady.stop();
      const seconds = outage(steady.seen, isOk);
      figure(`requests failed after the end of ${what}, for s`, seconds.toFixed(1));
      assert.ok(seconds < 15);
      await checkout.ssh(`systemctl is-active ${of}`);
    });
  }
  const isOk = ({ status: code }: Seen) => code === 200;

  it('goes on saying things to the journal that was restarted', async () => {
    const mark = `/api/users/mark-${Date.now()}`;
    await ask({ path: mark });
    await ask({ path: '/api/posts' });
    await eventually('its line', 10, async () => {
      const { stdout } = await checkout.must(['logs', '--process', 'web', '--since', '30s']);
      return stdout.includes('route=/api/posts') ? true : undefined;
    });
  });

  it(`answers 503 while PostgreSQL is away for ${awaySeconds} s, and by itself again when it returns`, async () => {
    const pids = async () =>
      (
        await checkout.ssh(
          `cat /sys/fs/cgroup$(systemctl show -p ControlGroup --value ${await unit()})/cgroup.procs`,
        )
      )
        .trim()
        .split('\n');
    const before = await pids();
    const cluster = (
      await checkout.ssh('systemctl list-units --plain --no-legend "postgresql@*" | cut -d" " -f1')
    ).trim();
    await checkout.ssh(`sudo systemctl stop ${cluster}`);
    const steady = askSteadily(status, { path: '/api/readyz', clients: 4, everyMs: 200 });
    await wait(awaySeconds * 1000);
    const login = { username: 'nobody@example.com', password: 'a long enough password' };
    const problem = await ask({ method: 'POST', path: '/api/login', body: login });
    assert.deepEqual([problem.status, problem.headers['content-type']], [503, 'application/problem+json']);
    assert.equal((await ask({ path: '/api/livez' })).status, 200);
    const returned = Date.now();
    await checkout.ssh(`sudo systemctl start ${cluster}`);
    await eventually('ready again', 30, async () => (steady.seen.at(-1)?.status === 200 ? true : undefined));
    await steady.stop();
    figure('ready after PostgreSQL was started again, s', ((Date.now() - returned) / 1000).toFixed(1));
    assert.deepEqual(steady.seen.filter(({ status: code }) => code !== 200 && code !== 503).slice(0, 3), []);
    assert.equal((await ask({ method: 'POST', path: '/api/login', body: login })).status, 401);
    assert.deepEqual(await pids(), before, 'no process was started anew');
  });

  it('replaces processes that grow without end, and drops no request', async () => {
    hosts('memory: 128mb, processes: {web: 2}');
    await commit({ Procfile: 'web: node leaky.mjs\n', 'leaky.mjs': leaky });
    await checkout.must(['apply']);
    await checkout.must(['deploy']);
    const replaced = async () =>
      (await checkout.must(['logs', '--process', 'pm2', '--since', '5m'])).stdout.match(
        /exceeds --max-memory/g,
      )?.length ?? 0;
    const steady = askSteadily(status, { path: '/api/any', clients: 16, everyMs: 5 });
    const count = await eventually('four replaced', 120, async () => {
      await wait(3000);
      const now = await replaced();
      return now >= 4 ? now : undefined;
    });
    await wait(6000);
    await steady.stop();
    figure('processes over their memory limit, replaced', count);
    figure('requests meanwhile', steady.seen.length);
    assert.deepEqual(steady.seen.filter((one) => !isOk(one)).slice(0, 3), []);
  });
});
