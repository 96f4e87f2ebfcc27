import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findMirror } from '../../scripts/machines/container/sources.ts';
import { runChecked } from '../../scripts/process.ts';
import { type Bare, bareMachine } from './bare.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { timed } from './computer.ts';
import { type Outside, openOutside } from './outgoing-proxy.ts';
import { createPerson, type Person } from './person.ts';
import { figure } from './user.ts';

/**
 * A machine without a way out and without names: all that it reaches is a proxy, and its packages come from a mirror
 * behind that, whose certificate is of a private authority.
 */
describe('a machine behind a proxy', function () {
  this.timeout(600_000);
  this.bail(true);
  const directory = mkdtempSync(join(tmpdir(), 'berth-proxy-'));
  let checkout: Checkout;
  let ada: Person;
  let inner: Bare;
  let outside: Outside;

  this.beforeAll(async function () {
    const mirror = findMirror();
    if (mirror === undefined) this.skip();
    checkout = await cloneRepository({ installed: true });
    ada = await createPerson();
    inner = await bareMachine(checkout.root, 'inner', 'debian-13');
    const { main, security = main } = mirror;
    outside = await openOutside(directory, inner.address.replace(/\d+$/, '1'), { main, security });
    const sources = [
      `deb ${outside.mirror}/main trixie main`,
      `deb ${outside.mirror}/main trixie-updates main`,
      ...(security === main ? [] : [`deb ${outside.mirror}/security trixie-security main`]),
    ];
    await inner.inside(
      'rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*; cat >/etc/apt/sources.list',
      `${sources.join('\n')}\n`,
    );
    await inner.inside(
      'umask 077; mkdir -p /root/.ssh; cat >/root/.ssh/authorized_keys',
      `${ada.publicKey}\n`,
    );
    await inner.inside(': >/etc/resolv.conf; ip route del default; ip route add unreachable default');
    ada.write('known_hosts', inner.hostKeys.map((key) => `${inner.address} ${key}\n`).join(''));
    settings(outside.proxy);
  });
  this.afterAll(async () => {
    await inner?.destroy();
    outside?.close();
    await checkout?.remove();
    ada?.remove();
    rmSync(directory, { recursive: true });
  });

  function settings(proxy: string): void {
    checkout.settings(
      JSON.stringify({
        machine: { kind: 'ssh', host: inner.address },
        admin: { keys: [ada.publicKey] },
        proxy: { url: proxy, no_proxy: ['nearby.example'] },
        extra_ca: [outside.ca],
        apps: {
          api: { watch: '0s' },
          pushed: { prefix: '/pushed', health: '/pushed', database: 'none', watch: '0s' },
        },
      }),
    );
  }
  const berth = (...words: string[]) =>
    ada.run([join(checkout.root, 'scripts/berth'), ...words], { cwd: checkout.root });

  it('says so where the proxy is not there, and is left as it was', async () => {
    settings('http://127.0.0.1:9');
    const { code, stderr } = await berth('plan');
    assert.deepEqual([code, /\(bootstrap_failed\)/.test(stderr)], [1, true], stderr);
    assert.equal(
      await inner.inside('ls /etc/apt/apt.conf.d | grep berth-proxy || :; ls -d /tmp/tmp.* 2>/dev/null || :'),
      '',
    );
    settings(outside.proxy);
  });

  it('has its first packages through proxy and authority, before either is kept there', async () => {
    const { code, stderr } = await berth('plan');
    assert.equal(code, 2, stderr);
    assert.match(await inner.inside('dpkg-query --show libatomic1'), /libatomic1/);
    assert.equal(
      await inner.inside('ls /etc/apt/apt.conf.d /usr/local/share/ca-certificates | grep ^berth || :'),
      '',
    );
  });

  it('is applied, and nothing differs afterwards', async () => {
    const [{ code, stderr, stdout }, seconds] = await timed(() => berth('apply'));
    assert.equal(code, 0, stderr + stdout);
    figure('first apply behind a proxy, s', seconds.toFixed(0));
    assert.ok(
      outside.asked.length > 0 && outside.asked.every((each) => each === 'packages.example:8443'),
      String(outside.asked),
    );
    assert.match((await berth('apply')).stdout, /^0 added, 0 changed, 0 removed/m);
  });

  it('reads its package lists by itself from now on', async () => {
    const before = outside.asked.length;
    await inner.inside('apt-get -q update');
    assert.ok(outside.asked.length > before);
    const dump = await inner.inside('apt-config dump | grep -i nearby');
    assert.match(dump, /^Acquire::https::Proxy::nearby\.example "DIRECT";$/m);
  });

  it('builds a git push, whose packages come through the proxy too', async () => {
    const source = join(directory, 'pushed');
    await runChecked(['git', 'init', '--quiet', '--initial-branch=main', source]);
    const server =
      "require('http').createServer((_, response) => response.end('pushed')).listen(process.env.PORT)";
    const manifest = {
      name: 'pushed',
      version: '1.0.0',
      scripts: { start: 'node server.js', build: 'true' },
    };
    const lock = { name: 'pushed', version: '1.0.0', lockfileVersion: 3, packages: { '': manifest } };
    writeFileSync(join(source, 'server.js'), server);
    writeFileSync(join(source, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(source, 'package-lock.json'), JSON.stringify(lock));
    const git = ['git', '-C', source, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
    await runChecked([...git, 'add', '--all']);
    await runChecked([...git, 'commit', '--quiet', '--message', 'First']);
    const push = [...git, 'push', `ssh://deploy@${inner.address}/~/pushed`, 'main'];
    const { code, stderr } = await ada.run(push);
    assert.equal(code, 0, stderr);
    const npm = '/opt/berth/node/bin/node /opt/berth/node/node_modules/npm/bin/npm-cli.js';
    const registry = new URL((await inner.inside(`${npm} config get registry`)).trim());
    const tunnel = `${registry.hostname}:${registry.port || 443}`;
    assert.ok(outside.asked.includes(tunnel), `${tunnel}: ${[...new Set(outside.asked)]}`);
  });

  it('is deployed from here and proven, with the npm registry out of its reach', async () => {
    outside.close();
    const { code, stderr } = await berth('up', '--app', 'api');
    assert.equal(code, 0, stderr);
    assert.match((await berth('status', '--app', 'api')).stdout, /^healthy +true$/m);
  });
});
