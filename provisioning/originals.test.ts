import assert from 'node:assert/strict';
import { parseHostFile, resolveSettings } from '../scripts/settings.ts';
import type { Change } from './change.ts';
import { isOurs } from './originals.ts';
import { platformOf } from './platform.ts';
import { site } from './site.ts';

const hostsFile = `machine: {kind: container}
proxy: {url: "http://proxy.example.org:3128"}
apps: {api: {}}
`;
const reach = { alias: 'local', firstUser: 'root', publicKey: 'ssh-ed25519 key', names: ['10.77.0.2'] };
const settings = resolveSettings(
  parseHostFile(hostsFile, { name: 'local', path: 'local.yml', root: '/' }),
  reach,
);

/** Short ones, which are taken for ours by their whole content alone; and those that go with what is around them. */
const unmarked = [
  '/etc/locale.conf',
  '/home/deploy/.ssh/authorized_keys',
  '/etc/issue',
  '/etc/issue.net',
  '/var/lib/api/.profile',
  '/etc/systemd/system/api@.service.d/sandbox.conf',
  '/etc/systemd/system/api-workers.service.d/sandbox.conf',
  '/etc/systemd/system/api-release@.service.d/sandbox.conf',
];

describe('what stood where Berth writes', () => {
  it('is not what an earlier Berth wrote there: its files can be told from others', () => {
    const platform = platformOf('ID=debian\nVERSION_ID="13"\n');
    const whole = site({ settings, platform, memoryMiB: 2048, code: 'code', runtime: 'runtime', web: 'web' });
    const writes = whole
      .filter(({ id }) => id.startsWith('file '))
      .flatMap((resource): Change[] => resource.plan({ stat: null, content: null }));
    const others = writes.flatMap((change) =>
      change.do === 'write' && !isOurs(change.path, change.content) ? [change.path] : [],
    );
    assert.deepEqual(others, unmarked);
  });

  it('may speak of a berth', () => {
    const theirs = [
      ['/etc/issue', 'berth-1, a machine of Berth Ltd.\n'],
      ['/etc/nginx/nginx.conf', 'server_name berth.example.org;'],
      ['/home/berth/.ssh/authorized_keys', 'ssh-ed25519 AAAA berth'],
      ['/etc/systemd/system/api.service', 'ExecStart=/srv/berth/run'],
    ] as const;
    for (const [path, content] of theirs) assert.equal(isOurs(path, content), false, path);
  });
});
