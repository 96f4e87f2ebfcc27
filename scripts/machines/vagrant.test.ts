import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietReport } from '../report.ts';
import { stateIn, vagrantMachine } from './vagrant.ts';

const report = quietReport();

/** A `vagrant` that writes down what it was asked, by whom, and says what it was told to. */
const fake = `#!/bin/sh
here=\${0%/*}
echo "$* alone=$BERTH_VAGRANT_ALONE host=$BERTH_VAGRANT_HOST in $PWD" >>"$here/asked"
cat "$here/says"
`;

describe('a machine of Vagrant’s', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-vagrant-'));
  const stateDirectory = join(root, '.berth');
  const directory = join(stateDirectory, 'machines/local');
  const path = process.env.PATH;
  const machine = vagrantMachine({ name: 'local', root, stateDirectory, user: 'deploy' });
  let sshd: Server;

  before(async () => {
    writeFileSync(join(root, 'vagrant'), fake);
    chmodSync(join(root, 'vagrant'), 0o755);
    sshd = createServer((socket) => socket.end('SSH-2.0-OpenSSH_10.0\r\n')).listen(0, '127.0.0.1');
    await once(sshd, 'listening');
    process.env.PATH = `${root}:${path}`;
  });
  after(() => {
    process.env.PATH = path;
    sshd.close();
    rmSync(root, { recursive: true });
  });
  beforeEach(() => {
    for (const each of [stateDirectory, join(root, '.vagrant')])
      rmSync(each, { recursive: true, force: true });
    for (const name of ['asked', 'says']) writeFileSync(join(root, name), '');
  });

  /** As the Vagrantfile does after it has started one. */
  function record(port: number): void {
    const vagrant = join(root, '.vagrant/machines/local/libvirt');
    for (const each of [directory, vagrant]) mkdirSync(each, { recursive: true });
    writeFileSync(join(vagrant, 'id'), 'abc');
    const about = { id: 'abc', provider: 'libvirt', host: '127.0.0.1', port, user: 'vagrant', keys: ['/k'] };
    const text = JSON.stringify({ ...about, httpPort: 9080, httpsPort: 9443, hostname: 'box' });
    writeFileSync(join(directory, 'vagrant.json'), text);
  }
  const portOfSshd = () => (sshd.address() as { port: number }).port;
  const says = (state: string) => writeFileSync(join(root, 'says'), `1795287510,local,state,${state}\n`);
  const asked = () => readFileSync(join(root, 'asked'), 'utf8').split('\n').filter(Boolean);

  it('is absent, and Vagrant not asked, where the Vagrantfile has written down none', async () => {
    assert.equal(await machine.state(), 'absent');
    await assert.rejects(machine.reach(), { code: 'machine_absent' });
    assert.deepEqual(asked(), []);
  });

  it('is started by Vagrant, whose own provisioning is left out', async () => {
    await machine.create(report);
    assert.deepEqual(asked(), [`up local alone=1 host=local in ${root}`]);
  });

  it('runs, and Vagrant is not asked, where its sshd answers', async () => {
    record(portOfSshd());
    assert.equal(await machine.state(), 'running');
    await machine.create(report);
    assert.deepEqual(asked(), []);
  });

  it('runs, and Vagrant is not asked, where Vagrant itself has called, however slow its sshd is', async () => {
    record(1);
    process.env.BERTH_VAGRANT_HOLDS = 'local';
    try {
      assert.equal(await machine.state(), 'running');
      await machine.create(report);
    } finally {
      delete process.env.BERTH_VAGRANT_HOLDS;
    }
    assert.deepEqual(asked(), []);
  });

  it('is what Vagrant says where nothing answers', async () => {
    record(1);
    for (const [said, state] of [
      ['shutoff', 'stopped'],
      ['running', 'running'],
      ['not_created', 'absent'],
    ] as const) {
      says(said);
      assert.equal(await machine.state(), state);
    }
    assert.match(asked()[0] ?? '', /^status --machine-readable local /);
  });

  it('is reached by a key of its own first, then by Vagrant’s, at the forwarded port', async () => {
    record(portOfSshd());
    const { sshConfig = '', publicKey, ...reach } = await machine.reach();
    assert.deepEqual(reach, {
      alias: 'local',
      firstUser: 'vagrant',
      names: ['127.0.0.1', 'localhost'],
      vagrant: { httpPort: 9080, httpsPort: 9443, hostname: 'box' },
    });
    assert.match(publicKey ?? '', /^ssh-ed25519 /);
    const text = readFileSync(sshConfig, 'utf8');
    assert.match(text, /User deploy\n {2}IdentityFile ".*local\/id_ed25519"\n {2}IdentityFile "\/k"\n/);
    assert.match(text, /HostKeyAlias local\n {2}UserKnownHostsFile ".*local\/known_hosts"/);
  });

  it('is taken away with what was kept of it here', async () => {
    record(1);
    await machine.destroy(report);
    assert.match(asked()[0] ?? '', /^destroy --force local /);
    assert.ok(!existsSync(directory));
  });

  it('is no container of the same name', async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'machine.json'), '{}');
    await assert.rejects(machine.create(report), { code: 'machine_unrecognised' });
    await assert.rejects(machine.destroy(report), { code: 'machine_unrecognised' });
    assert.deepEqual(asked(), []);
  });

  it('is suspended or saved where it neither runs nor is missing', () => {
    assert.equal(stateIn('1,local,metadata,provider,virtualbox\n1,local,state,saved\n'), 'stopped');
    assert.equal(stateIn(''), 'absent');
  });
});
