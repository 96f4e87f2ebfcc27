import assert from 'node:assert/strict';
import type { Change } from './change.ts';
import { keptClock } from './resources/clock.ts';
import { confined } from './resources/confined.ts';
import { blockedModules, kernelSettings, modulesLeftOut, parseSettings } from './resources/kernel.ts';
import { lineValues, modes, withValues } from './resources/login.ts';
import { mountOptions, optionsOf } from './resources/mounts.ts';
import { checksums } from './resources/service.ts';
import { render } from './template.ts';

const rootFile = { type: 'file', mode: 0o644, owner: 'root', group: 'root', size: 1 } as const;
const argvs = (changes: Change[]) =>
  changes.map((change) => (change.do === 'run' ? change.argv.join(' ') : change.do));

describe('kernel settings', () => {
  const content = '# why\nnet.ipv4.tcp_syncookies = 1\nkernel.sysrq = 0\n';
  const settings = kernelSettings('/s', content);
  const written = { stat: rootFile, content, container: false };

  it('are written for the next boot and set now, but not what the kernel does not know', () => {
    const live = { 'net.ipv4.tcp_syncookies': '0', 'kernel.sysrq': null };
    assert.deepEqual(argvs(settings.plan({ ...written, live })), [
      'sysctl --quiet --write net.ipv4.tcp_syncookies=1',
    ]);
    assert.deepEqual(argvs(settings.plan({ ...written, content: null, stat: null, live: {} })), ['write']);
  });

  it('of a container are those of its network, and it is told so', () => {
    const live = { 'net.ipv4.tcp_syncookies': '1' };
    assert.deepEqual(settings.plan({ ...written, container: true, live }), []);
    assert.match(settings.notices?.({ ...written, container: true, live })[0] ?? '', /skipped/);
  });

  it('have a value each', () => {
    const all = Object.entries(parseSettings(render('provisioning/files/sysctl.conf')));
    assert.ok(all.length > 30);
    for (const [key, value] of all) assert.ok(/^[a-z][a-z0-9._]+$/.test(key) && value !== '', key);
  });
});

describe('blocked kernel modules', () => {
  const blocked = blockedModules('/m', ['usb-storage', 'udf']);
  const written = (state: { content: string | null; loaded: string[]; container?: boolean }) => {
    const stat = state.content === null ? null : rootFile;
    const [change] = blocked.plan({ stat, container: false, ...state });
    return change?.do === 'write' ? change.content : state.content;
  };
  const blocks = (content: string | null) =>
    [...(content ?? '').matchAll(/^install (\S+) \/bin\/false$/gm)].map(([, name]) => name);

  it('are all but those in use, which a container cannot see of its own', () => {
    const state = { content: null, loaded: ['usb_storage'] };
    assert.deepEqual(blocks(written(state)), ['udf']);
    assert.deepEqual(blocks(written({ ...state, container: true })), ['usb-storage', 'udf']);
  });

  it('stay those of the first apply, whatever is loaded later', () => {
    for (const loaded of [['usb_storage'], []]) {
      const first = written({ content: null, loaded });
      for (const later of [[], ['usb_storage', 'udf']])
        assert.equal(written({ content: first, loaded: later }), first);
    }
    const first = written({ content: null, loaded: ['usb_storage'] });
    assert.deepEqual(modulesLeftOut(first ?? ''), ['usb-storage']);
    const harmed = first?.replace('install udf /bin/false\n', '') ?? '';
    assert.equal(written({ content: harmed, loaded: ['udf'] }), first);
  });
});

describe('values in a file of the distribution', () => {
  it('take the place of those that are there, once, and leave the rest alone', () => {
    const before = '# UMASK is explained\nUMASK\t\t022\nUID_MIN 1000\nUMASK 077\n';
    const after = '# UMASK is explained\nUMASK\t027\nUID_MIN 1000\nROUNDS\t5\n';
    assert.equal(withValues(before, { UMASK: '027', ROUNDS: '5' }), after);
    assert.equal(withValues(after, { UMASK: '027', ROUNDS: '5' }), after);
    assert.equal(withValues('UID_MIN 1000', { UMASK: '027' }), 'UID_MIN 1000\nUMASK\t027\n');
  });

  it('are left out where nothing has the file', () => {
    assert.deepEqual(lineValues('/l', { UMASK: '027' }).plan({ stat: null, content: null }), []);
  });
});

describe('modes of system paths', () => {
  it('are set where the path is, and nothing is made or followed', () => {
    const wanted = modes({ '/a': 0o600, '/b': 0o600, '/c': 0o600, '/d': 0o644 });
    const symlink = { ...rootFile, type: 'symlink' } as const;
    const state = { '/a': rootFile, '/b': null, '/c': symlink, '/d': rootFile };
    assert.deepEqual(wanted.plan(state), [
      { do: 'attributes', path: '/a', mode: 0o600, owner: 'root', group: 'root' },
    ]);
  });
});

describe('mount options', () => {
  const mountinfo = `22 1 0:19 / / rw,relatime shared:1 - overlay overlay rw
30 22 0:26 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw
31 22 0:27 / /dev/shm rw,nosuid,nodev,noexec shared:4 - tmpfs tmpfs rw
`;

  it('are those of the mount that lies on top', () => {
    assert.deepEqual(optionsOf(mountinfo, '/dev/shm'), ['rw', 'nosuid', 'nodev', 'noexec']);
    assert.equal(optionsOf(mountinfo, '/tmp'), null);
  });

  it('are brought in by their unit where one is missing', () => {
    const mounts = mountOptions('m.service', { '/tmp': ['nosuid', 'noexec'] });
    const planOf = (active: boolean, options: string[] | null) =>
      argvs(mounts.plan({ active, options: { '/tmp': options } }));
    assert.deepEqual(planOf(true, ['rw', 'noexec', 'nosuid']), []);
    for (const restart of [planOf(true, ['nosuid']), planOf(true, null), planOf(false, ['nosuid', 'noexec'])])
      assert.deepEqual(restart, ['systemctl restart m.service']);
  });
});

describe('a service in a sandbox', () => {
  const dropIn = { '/d.conf': 'text' };
  const sandbox = confined('x.service', { dropIn, disturbs: ['api'] });
  const old = { active: true, started: null, inUse: false };

  it('is started anew with it, unless that would disturb who it serves', () => {
    assert.deepEqual(argvs(sandbox.plan(old)), ['systemctl daemon-reload', 'systemctl restart x.service']);
    assert.deepEqual(sandbox.plan({ ...old, inUse: true }), []);
    assert.match(sandbox.notices?.({ ...old, inUse: true })[0] ?? '', /systemctl restart x\.service/);
  });

  it('is left alone once it was started with it, or does not run', () => {
    for (const state of [
      { ...old, started: checksums(dropIn) },
      { ...old, active: false },
    ]) {
      assert.deepEqual(sandbox.plan(state), []);
      assert.deepEqual(sandbox.notices?.({ ...state, inUse: true }), []);
    }
  });
});

describe('the clock', () => {
  const idle = { container: false, others: [], active: false, enabled: true };

  it('is kept by systemd-timesyncd where nothing else does', () => {
    assert.deepEqual(argvs(keptClock().plan(idle)), ['systemctl enable --now systemd-timesyncd.service']);
    assert.deepEqual(keptClock().plan({ ...idle, others: ['chrony'] }), []);
    assert.deepEqual(keptClock().plan({ ...idle, active: true }), []);
    assert.deepEqual(keptClock().plan({ ...idle, container: true }), []);
  });
});
