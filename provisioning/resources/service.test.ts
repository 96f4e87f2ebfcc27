import assert from 'node:assert/strict';
import { inverseOf, plans } from '../../test/resource-rows.ts';
import { createFacts } from '../facts.ts';
import type { Host } from '../host.ts';
import type { Goal } from './resource.ts';
import { checksums, daemonReload, service } from './service.ts';

const configuration = { '/c': 'text' };
const running = {
  ...{ active: 'active', enabled: 'enabled' },
  ...{ loaded: checksums(configuration), others: {}, awaited: false },
};
plans('a service', service('x.service', { configuration, onChange: 'reload' }), [
  [running, []],
  [{ ...running, loaded: null }, ['systemctl reload x.service']],
  [{ ...running, enabled: 'enabled-runtime', loaded: 'other' }, ['systemctl reload x.service']],
  [{ ...running, others: { '/key': 'new' } }, ['systemctl reload x.service']],
  [{ ...running, active: 'failed' }, ['systemctl start x.service']],
  [{ ...running, active: 'activating' }, ['systemctl start x.service']],
  [
    { ...running, active: 'activating', loaded: null },
    ['systemctl start x.service', 'systemctl reload x.service'],
  ],
  [
    { ...running, active: 'inactive', enabled: 'disabled' },
    ['systemctl enable x.service', 'systemctl start x.service'],
  ],
]);

plans('a service that its socket starts', service('x.service', { configuration, enabled: false }), [
  [{ ...running, active: 'inactive', loaded: null, awaited: true }, []],
  [{ ...running, active: 'inactive', loaded: null }, ['systemctl start x.service']],
  [{ ...running, active: 'failed', awaited: true }, ['systemctl start x.service']],
  [{ ...running, loaded: 'other', awaited: true }, ['systemctl restart x.service']],
]);

describe('sshd on Ubuntu, as systemctl shows it after a boot', () => {
  const shown: Record<string, string> = {
    'ssh.service': 'ActiveState=inactive\nUnitFileState=disabled\n',
    'ssh.socket': 'ActiveState=active\nUnitFileState=enabled\n',
  };
  const run = async (argv: string[]) => {
    const stdout = argv.slice(argv.indexOf('--') + 1).map((unit) => shown[unit]);
    return { stdout: stdout.join('\n') };
  };
  const host = { read: async () => null, run } as unknown as Host;
  host.facts = createFacts(host);

  it('waits for the first login, and nothing differs', async () => {
    const sshd = service('ssh.service', { configuration, enabled: false, socket: 'ssh.socket' });
    assert.deepEqual(sshd.plan(await sshd.check(host)), []);
  });
});

plans('unit files', daemonReload(['x.service']), [
  [true, ['systemctl daemon-reload']],
  [false, []],
]);

plans('a service without Berth', inverseOf(service('x.service')), [
  [{ active: 'active', enabled: 'enabled', ours: true }, ['systemctl disable --now x.service']],
  [{ active: 'active', enabled: 'enabled', ours: false }, []],
  [{ active: 'inactive', enabled: 'disabled', ours: true }, []],
]);

const { last } = service('x.service', { configuration, proof: ['true'] }).inverse({ purge: false });
plans('a service that goes by its own configuration again', last as Goal, [
  [
    { active: true, loaded: true, sound: true },
    ['systemctl restart x.service', 'remove /run/berth/loaded/x.service'],
  ],
  [
    { active: true, loaded: true, sound: false },
    ['systemctl stop x.service', 'remove /run/berth/loaded/x.service'],
  ],
  [{ active: false, loaded: true, sound: true }, ['remove /run/berth/loaded/x.service']],
  [{ active: true, loaded: false, sound: true }, []],
]);
