import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietReport } from '../report.ts';
import { sshConfigFor, sshMachine } from './ssh.ts';

const report = quietReport();

describe('a machine that exists', () => {
  let stateDirectory = '';
  before(() => {
    stateDirectory = mkdtempSync(join(tmpdir(), 'berth-ssh-'));
  });
  after(() => rmSync(stateDirectory, { recursive: true }));

  it('is reached by the person’s own configuration alone where that says everything', async () => {
    const machine = sshMachine({ name: 'vps', host: '192.0.2.9', stateDirectory });
    assert.deepEqual(await machine.reach(), { alias: '192.0.2.9', firstUser: 'root', names: ['192.0.2.9'] });
  });

  it('adds what the hosts file says before it', async () => {
    const options = {
      name: 'vps',
      host: 'vps.example',
      port: 2222,
      identity: '/k 100%',
      user: 'debian',
      stateDirectory,
    };
    const reach = await sshMachine({ ...options, names: ['api.example'] }).reach();
    assert.deepEqual(
      [reach.alias, reach.firstUser, reach.names],
      ['vps.example', 'debian', ['api.example', 'vps.example']],
    );
    assert.equal(statSync(reach.sshConfig ?? '').mode & 0o777, 0o600);
    assert.match(
      sshConfigFor(options, '/home/me') ?? '',
      /Port 2222\n {2}IdentityFile "\/k 100%%"\n[\s\S]*Include "\/home\/me\/.ssh\/config"/,
    );
  });

  it('is never switched off or deleted', async () => {
    const machine = sshMachine({ name: 'vps', host: '192.0.2.9', stateDirectory });
    await assert.rejects(machine.stop(report), { code: 'machine_not_ours' });
    await assert.rejects(machine.destroy(report), {
      code: 'machine_not_ours',
      message: /vps \(192\.0\.2\.9\)/,
    });
  });

  it('is said to be unreachable when it is', async () => {
    const machine = sshMachine({ name: 'vps', host: '127.0.0.1', port: 1, stateDirectory });
    await assert.rejects(machine.create(report), { code: 'machine_unreachable' });
  });
});
