import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureImage } from '../../scripts/machines/container/image.ts';
import type { RunResult } from '../../scripts/process.ts';
import { quietReport } from '../../scripts/report.ts';
import { type Checkout, cloneRepository } from '../e2e/checkout.ts';
import { clientOf } from '../e2e/client.ts';
import { eventually, timed } from '../e2e/computer.ts';
import { figure } from '../e2e/user.ts';
import { addBox } from './box.ts';
import { type Libvirt, startLibvirt } from './libvirt.ts';

/** `./scripts/test --vagrant`: a real `vagrant up`, with libvirt and an emulated machine. Takes a long time. */
describe('vagrant', function () {
  this.timeout(7_200_000);
  this.bail(true);
  const directory = mkdtempSync(join(tmpdir(), 'berth-vagrant-'));
  const vagrantHome = join(directory, 'home');
  const env = {
    VAGRANT_HOME: vagrantHome,
    VAGRANT_CHECKPOINT_DISABLE: '1',
    VAGRANT_DEFAULT_PROVIDER: 'libvirt',
    BERTH_VAGRANT_BOX: 'berth-test',
    // With two of them, each emulated by a thread of its own, V8 has died of what cannot be ("Check failed").
    BERTH_VAGRANT_CPUS: '1',
  };
  let libvirt: Libvirt;
  let checkout: Checkout;

  this.beforeAll(async () => {
    mkdirSync(vagrantHome);
    const images = join(import.meta.dirname, '../../.berth/images');
    const tar = await ensureImage('debian-13', images, quietReport(console.log));
    await addBox({ tar, directory, vagrantHome });
    libvirt = await startLibvirt(join(directory, 'libvirt'), env);
  });
  this.afterAll(async () => {
    if (checkout && existsSync(checkout.root)) {
      await inside('vagrant', 'destroy', '--force');
      rmSync(checkout.root, { recursive: true, force: true });
    }
    await libvirt?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Where libvirtd is; a machine that hangs must not hang the test. */
  function inside(...argv: string[]): Promise<RunResult> {
    return libvirt.run(['timeout', '2400', ...argv], {
      cwd: checkout.root,
      onLine: (line) => console.log(`      ${line}`),
    });
  }

  async function must(what: string, ...argv: string[]): Promise<string> {
    const [result, seconds] = await timed(() => inside(...argv));
    figure(`${what}, s`, seconds.toFixed(0));
    assert.equal(result.code, 0, `${argv.join(' ')}\n${result.stdout}\n${result.stderr}`);
    return result.stdout;
  }

  async function answers(): Promise<void> {
    const { url, ca } = await checkout.status();
    assert.equal(url, 'https://127.0.0.1:8443');
    const ask = clientOf({ url, ca });
    // After a boot nginx is there before the application is, and an emulated one takes its time.
    await eventually('an answer of the application', 300, async () => {
      const { status } = await ask({ method: 'GET', path: '/api/readyz' });
      return status === 200 || undefined;
    });
  }

  function isOpen(port: number): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      const end = (open: boolean) => {
        socket.destroy();
        resolve(open);
      };
      socket.once('connect', () => end(true)).once('error', () => end(false));
    });
  }

  it('vagrant up refuses, before anything boots, what could not end well', async () => {
    checkout = await cloneRepository({ installed: true });
    const old = join(directory, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'node'), '#!/bin/sh\necho v18.20.0\n', { mode: 0o755 });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const [given, said] of [
      [`PATH=${old}:${process.env.PATH}`, /Node.js v18.20.0 is too old/],
      [`BERTH_VAGRANT_HTTPS_PORT=${port}`, /cannot be forwarded.*Set BERTH_VAGRANT_HTTPS_PORT/s],
      ['BERTH_VAGRANT_MEMORY=lots', /BERTH_VAGRANT_MEMORY=lots is not a number/],
      ['BERTH_VAGRANT_HOST=vps', /There is no provisioning\/hosts\/vps\.yml/],
    ] as const) {
      const { code, stdout, stderr } = await inside('env', given, 'vagrant', 'up');
      assert.equal(code, 1);
      assert.match(stdout + stderr, said);
    }
    server.close();
    const container = join(checkout.root, '.berth/machines/local/machine.json');
    mkdirSync(dirname(container), { recursive: true });
    writeFileSync(container, '{}');
    assert.match((await inside('vagrant', 'up')).stderr, /is a container already/);
    await inside('vagrant', 'destroy', '--force');
    assert.ok(existsSync(container));
    assert.deepEqual(await libvirt.machines(), []);
    rmSync(checkout.root, { recursive: true });
  });

  for (const round of ['first', 'second']) {
    it(`vagrant up, from a fresh clone and from nothing, the ${round} time`, async () => {
      checkout = await cloneRepository({ installed: false });
      const said = await must(`vagrant up, the ${round} time`, 'vagrant', 'up');
      for (const printed of ['api answers at      https://127.0.0.1:8443/api', 'npx berth status', 'ssh -F '])
        assert.ok(said.includes(printed), `it prints ${printed}`);
      await answers();
    });

    if (round === 'first') it('vagrant destroy leaves nothing of ours', gone);
  }

  it('vagrant provision changes nothing', async () => {
    assert.match(await must('vagrant provision', 'vagrant', 'provision'), /0 added, 0 changed, 0 removed/);
  });

  it('vagrant ssh works after the apply', async () => {
    assert.match(await must('vagrant ssh', 'vagrant', 'ssh', '-c', 'sudo id --user'), /^0\s*$/m);
  });

  it('vagrant reload answers again', async () => {
    await must('vagrant reload', 'vagrant', 'reload');
    await answers();
    assert.equal((await checkout.berth(['plan'])).code, 0, 'a reload changes nothing');
  });

  it('vagrant halt stops it, and berth says so', async () => {
    await must('vagrant halt', 'vagrant', 'halt');
    assert.match((await inside('./scripts/berth', 'status')).stderr, /machine_stopped/);
    assert.equal(await isOpen(8443), false);
  });

  it('./scripts/up starts it by Vagrant', async () => {
    await must('./scripts/up of a stopped machine', './scripts/up', '--machine', 'vagrant');
    await answers();
  });

  it('vagrant destroy leaves nothing of ours, again', gone);

  async function gone(): Promise<void> {
    await must('vagrant destroy', 'vagrant', 'destroy', '--force');
    assert.ok(!existsSync(join(checkout.root, '.berth/machines/local')));
    assert.deepEqual(await libvirt.machines(), []);
    for (const port of [8443, 8080]) assert.equal(await isOpen(port), false);
    assert.equal((await libvirt.run(['git', 'status', '--porcelain'], { cwd: checkout.root })).stdout, '');
    rmSync(checkout.root, { recursive: true });
  }
});
