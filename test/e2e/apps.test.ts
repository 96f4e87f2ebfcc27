import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { type Answer, type Client, clientOf } from './client.ts';
import { eventually } from './computer.ts';
import { quickStarts, writeQuickStart } from './quickstart.ts';

type App = keyof typeof quickStarts;
const names = Object.keys(quickStarts) as App[];
const domain = 'shop.example.org';
const elsewhere = 'postgresql://blog@db.example.org/blog';

/** Applications of other frameworks, several on one machine, each as its quick start has it. */
describe('any Node application', function () {
  this.timeout(600_000);
  this.bail(true);
  let checkout: Checkout;
  let status: Status;
  let ask: Client;

  const settings = (blog: string) =>
    checkout.settings(`machine: {kind: container}
apps:
  shop:
    path: apps/shop
    domains: [${domain}]
    prefix: /
    health: /
    secrets: [SESSION_KEY]
    shared: [uploads]
    body_limit: 64kb
    timeouts: {answer: 2s}
    watch: 0s
  blog: {path: apps/blog, prefix: /blog, health: /blog, secrets: [], watch: 0s, database: url${blog}}
  chat:
    {path: apps/chat, prefix: /chat, health: /chat, secrets: [], watch: 0s, database: none, websocket: true,
    timeouts: {answer: 2s}, drain: 3s}
`);
  const git = (...argv: string[]) => runChecked(['git', '-C', checkout.root, ...argv]);
  const commit = async () => {
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Change');
  };
  const edit = (file: string, from: string, to: string) => {
    const path = join(checkout.root, 'apps', file);
    const text = readFileSync(path, 'utf8');
    assert.ok(text.includes(from));
    writeFileSync(path, text.replace(from, to));
  };
  /** As the application is found from outside: by its domain, or its part of the machine's own site. */
  const get = (app: App, path = '', sent: { method?: string; body?: string } = {}): Promise<Answer> =>
    app === 'shop'
      ? ask({ ...sent, path: path || '/', headers: { host: domain } })
      : ask({ ...sent, path: `/${app}${path}` });
  const version = async (app: App) => (await get(app)).json.version;
  const openPorts = async () =>
    (await checkout.ssh("sudo ss -tlnH | awk '{print $4}' | sed 's/.*://' | sort -nu | xargs")).trim();
  const releases = async () => {
    const { apps } = await checkout.status();
    return Object.fromEntries(names.map((name) => [name, apps[name]?.release]));
  };

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    for (const name of names) {
      await writeQuickStart(join(checkout.root, 'apps', name), quickStarts[name]);
    }
    await commit();
  });
  this.afterAll(() => checkout?.remove());

  it('is not begun without the DATABASE_URL that its settings count on', async () => {
    settings('');
    const failed = await checkout.berth(['up']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /blog has no DATABASE_URL \(database_url_missing\)/);
    assert.deepEqual(await releases(), { shop: null, blog: null, chat: null });
  });

  it('is built, deployed and proven, all by one command', async () => {
    settings(`, env: {DATABASE_URL: "${elsewhere}"}`);
    const { stderr } = await checkout.must(['up']);
    for (const name of names) assert.match(stderr, new RegExp(`✓ proves ${name} through nginx`));
    status = await checkout.status();
    ask = clientOf({ url: status.url, ca: status.ca });
    assert.deepEqual(
      names.map((name) => [status.apps[name]?.url, status.apps[name]?.healthy]),
      [
        [`https://${domain}`, true],
        [`${status.url}/blog`, true],
        [`${status.url}/chat`, true],
      ],
    );
    assert.match((await checkout.must(['status'])).stdout, /^chat +v1 +\w+ +healthy +https:.*\/chat$/m);
    assert.equal((await get('blog')).json.database, elsewhere);
    const { applications } = (await ask({ path: '/site.json' })).json as { applications: { name: string }[] };
    assert.deepEqual(applications.map(({ name }) => name).sort(), ['blog', 'chat']);
  });

  for (const app of names) {
    it(`answers as ${app} with every process of its cluster, and listens on no TCP port`, async () => {
      const workers = Number(await checkout.ssh('nproc'));
      const pids = new Set<unknown>();
      await eventually('an answer of each process', 20, async () => {
        const { status: code, json } = await get(app);
        assert.deepEqual([code, json.app], [200, app]);
        return pids.add(json.pid).size >= Math.min(4, workers) || undefined;
      });
      assert.equal(await openPorts(), '22 80 443');
    });
  }

  const forbidden: [what: string, line: (other: App) => string][] = [
    ['environment', (other) => `cat /etc/${other}/env`],
    ['releases', (other) => `ls /srv/${other}/releases`],
    ['slugs', (other) => `ls /srv/${other}/current/app/`],
    ['shared folders', (other) => `ls /srv/${other}/shared`],
    ['home', (other) => `cat /var/lib/${other}/.profile`],
    ['sockets', (other) => `ls /run/${other}/sockets`],
    ["pm2's directory", (other) => `ls /run/${other}-pm2/1`],
    ['place for sockets', (other) => `touch /run/${other}/sockets/9.sock`],
    ['live socket', (other) => `${connect} /run/${other}/current.sock`],
    ['processes', (other) => `cat /proc/$(pgrep -u ${other} -o)/environ`],
    ['database', (other) => `psql --dbname ${other} --command 'select 1'`],
    ['role', (other) => `psql --username ${other} --dbname ${other} --command 'select 1'`],
  ];
  const connect = `/opt/berth/node/bin/node -e 'require("net").connect(process.argv[1], process.exit)'`;

  it('reaches nothing of another application: files, environment, sockets, processes, database', async () => {
    const pairs = names.flatMap((one) =>
      names.filter((other) => other !== one).map((other) => [one, other] as const),
    );
    const reached: string[] = [];
    for (const [one, other] of pairs) {
      const tries = forbidden.map(([, line], index) => `(${line(other)}) >/dev/null 2>&1 && echo ${index}`);
      const said = await checkout.ssh(`cd / && sudo -u ${one} sh`, `${tries.join('\n')}\ntrue\n`);
      for (const index of said.split('\n').filter(Boolean))
        reached.push(`${one}: ${forbidden[Number(index)]?.[0]} of ${other}`);
    }
    assert.deepEqual(reached, []);
    // The same lines do reach what is one's own.
    const own = forbidden.filter(
      ([what]) => !['place for sockets', 'role', 'processes', "pm2's directory"].includes(what),
    );
    await checkout.ssh(
      'cd / && sudo -u shop sh -e',
      own.map(([, line]) => `(${line('shop')}) >/dev/null\n`).join(''),
    );
    assert.match(await checkout.ssh(`sudo cat /etc/shop/env`), /^SESSION_KEY="/m);
    assert.doesNotMatch(await checkout.ssh(`sudo cat /etc/blog/env /etc/chat/env`), /SESSION_KEY/);
  });

  it('keeps its shared folders from release to release, and deploys only what a commit changes', async () => {
    const sent = { method: 'PUT', body: 'a photo' };
    assert.equal((await get('shop', '/uploads/photo.txt', sent)).status, 204);
    edit('shop/index.js', 'version: 1', 'version: 2');
    await commit();
    const { stdout } = await checkout.must(['deploy']);
    assert.deepEqual(stdout.trim().split('\n'), [
      'shop v2 is live',
      'blog v1 is live already, nothing to do',
      'chat v1 is live already, nothing to do',
    ]);
    await eventually('the new release', 20, async () => ((await version('shop')) === 2 ? true : undefined));
    assert.equal((await get('shop', '/uploads/photo.txt')).text, 'a photo');
    assert.equal(await checkout.ssh('sudo stat -c %U:%G /srv/shop/shared/uploads/photo.txt'), 'shop:shop\n');
  });

  it('has the limits of its settings for bodies and for the time of an answer', async () => {
    const large = await get('shop', '/uploads/large.txt', { method: 'PUT', body: 'x'.repeat(65 * 1024) });
    assert.equal(large.status, 413);
    const fits = await get('shop', '/uploads/fits.txt', { method: 'PUT', body: 'x'.repeat(63 * 1024) });
    assert.equal(fits.status, 204);
    for (const app of ['shop', 'chat'] as const) {
      const late = await get(app, '/slow');
      assert.deepEqual([late.status, late.json.title], [504, 'Gateway Timeout'], app);
    }
  });

  it('keeps a WebSocket that is silent, and lets go of it once a deploy has drained', async () => {
    edit('chat/src/server.ts', 'number = 1', 'number = 2');
    await commit();
    const one = await openSocket();
    assert.equal(await one.say('hello'), '1: hello');
    // Longer than the time that an answer may take.
    await wait(3000);
    assert.equal(await one.say('still'), '1: still');
    const [, { stdout }] = await Promise.all([one.closed, checkout.must(['deploy', '--app', 'chat'])]);
    assert.equal(stdout, 'chat v2 is live\n');
    const other = await openSocket();
    assert.equal(await other.say('again'), '2: again');
    other.close();
    await other.closed;
  });

  it('takes no other upgrade', async () => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAAP__',
    };
    const answer = await ask({ path: '/chat', headers });
    assert.deepEqual([answer.status, answer.json.upgrade], [200, null]);
  });

  it('runs what needs a shell as one process, on its socket too, and again after it was killed', async () => {
    edit('blog/Procfile', 'node server.mjs', 'GREETING=hello node server.mjs');
    await commit();
    await checkout.must(['deploy', '--app', 'blog']);
    const pidOf = async () => (await get('blog')).json.pid as number | undefined;
    const pid = await eventually('the new release', 20, async () => {
      const one = await pidOf();
      const environment = await checkout.ssh(`sudo cat /proc/${one}/environ | tr '\\0' '\\n'`);
      return /^GREETING=hello$/m.test(environment) ? one : undefined;
    });
    await checkout.ssh(`sudo kill -KILL ${pid}`);
    await eventually('another process', 20, async () => {
      const other = await pidOf();
      return other !== undefined && other !== pid ? true : undefined;
    });
    assert.equal(await openPorts(), '22 80 443');
  });

  it('changes nothing when its build fails, its lock file is missing, or it fills a shared folder', async () => {
    const before = await releases();
    const refused = async (code: RegExp) => {
      await commit();
      const failed = await checkout.berth(['deploy']);
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, code);
      await git('reset', '--quiet', '--hard', 'HEAD~1');
    };
    edit('shop/index.js', 'version: 2', 'version: 3');
    edit('chat/src/server.ts', 'number = 2', "number = 'two'");
    await refused(/npm run build of chat failed:[\s\S]*TS2322[\s\S]*\(build_failed\)/);
    edit('shop/index.js', 'version: 2', 'version: 3');
    rmSync(join(checkout.root, 'apps/blog/package-lock.json'));
    await refused(/apps\.blog: \w+ has no apps\/blog\/package-lock\.json \(lock_missing\)/);
    writeFileSync(join(checkout.root, 'apps/shop/uploads/logo.txt'), 'x');
    await refused(/uploads\/logo\.txt \(shared_in_the_way\)/);
    assert.deepEqual(await releases(), before);
    assert.equal(await version('shop'), 2);
  });

  it('comes back with all others after a reboot', async () => {
    await checkout.reboot();
    await eventually('every application', 60, async () => {
      for (const app of names) assert.equal((await get(app)).status, 200);
      return true;
    });
    assert.equal((await checkout.must(['plan'])).code, 0);
  });

  async function openSocket() {
    // The application's own dependency; Berth has none for this.
    const { WebSocket } = createRequire(join(checkout.root, 'apps/chat/package.json'))('ws');
    const url = `${status.url.replace('https', 'wss')}/chat`;
    const socket = new WebSocket(url, { ca: readFileSync(status.ca) });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const say = (text: string) =>
      new Promise<string>((resolve) => {
        socket.once('message', (data: Buffer) => resolve(data.toString()));
        socket.send(text);
      });
    return { say, closed, close: () => socket.close() };
  }
});
