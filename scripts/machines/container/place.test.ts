import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nspawnArgv, supervisorArgv, unitArgv } from './boot.ts';
import { canonical } from './canonical.ts';
import { hosts, networkUnit, resolvConf } from './inside.ts';
import { knownHosts, sshConfig } from './keys.ts';
import { placeOf } from './place.ts';
import { roleIn } from './processes.ts';
import { parseResolver } from './resolver.ts';

const place = placeOf('/home/a b/100%/.berth', 'local');

describe('a place', () => {
  it('has a name on this computer that is its own and fits an interface name', () => {
    assert.match(place.id, /^bm-[0-9a-f]{9}$/);
    assert.notEqual(place.id, placeOf('/home/other/.berth', 'local').id);
    assert.equal(place.id, placeOf('/home/a b/100%/.berth/', 'local').id);
  });

  for (const name of ['', '.', '..', '../x', 'a/b', 'A', '-a', 'a-', 'a b', 'a\n', 'x'.repeat(64)]) {
    it(`refuses the name ${JSON.stringify(name.slice(0, 12))}`, () => {
      assert.throws(() => placeOf('/x', name), { code: 'machine_name_invalid' });
    });
  }

  it('is the same by whatever symlink one came', () => {
    const work = mkdtempSync(join(tmpdir(), 'berth-place-'));
    mkdirSync(join(work, 'checkout'));
    symlinkSync(join(work, 'checkout'), join(work, 'link'));
    assert.equal(canonical(join(work, 'link/.berth')), canonical(join(work, 'checkout/.berth')));
    rmSync(work, { recursive: true });
  });

  it('refuses a path that an OpenSSH configuration cannot express', () => {
    for (const path of ['/a"b', '/a\nb', `/a\${HOME}`, '/a\\b']) {
      assert.throws(() => placeOf(path, 'local'), { code: 'path_unusable' });
    }
  });
});

describe('the ssh configuration', () => {
  it('quotes paths, doubles percent signs, and pins the host keys', () => {
    const text = sshConfig(place, '10.77.0.2', 'deploy');
    assert.match(text, /IdentityFile "\/home\/a b\/100%%\/.berth\/machines\/local\/id_ed25519"/);
    assert.match(text, /StrictHostKeyChecking yes/);
    assert.equal(knownHosts('local', ['ssh-ed25519 AAAA']), 'local ssh-ed25519 AAAA\n');
  });
});

describe('the boot', () => {
  const plan = { place, bridge: 'berth-0a4d0000', memoryMiB: 512 };

  it('passes every value as one argument', () => {
    assert(nspawnArgv(plan).includes('--directory=/home/a b/100%/.berth/machines/local/rootfs'));
  });

  it('limits memory under systemd and without it', () => {
    assert(unitArgv(plan).includes('--property=MemoryMax=512M'));
    assert(supervisorArgv(plan).includes(String(512 * 1024 * 1024)));
    assert(supervisorArgv({ ...plan, memoryMiB: undefined }).includes('0'));
  });
});

describe('the processes of a machine', () => {
  const cases: [string, string | undefined][] = [
    ['12:pids:/\n0::/bm-1/keeper\n', 'keeper'],
    ['0::/bm-1/machine/payload/system.slice/ssh.service\n', 'machine'],
    ['0::/machine.slice/bm-1.service/payload/init.scope\n', 'machine'],
    ['0::/bm-12/machine\n', undefined],
    ['4:memory:/bm-1\n0::/\n', undefined],
    ['', undefined],
  ];
  for (const [cgroups, role] of cases) {
    it(`${role ?? 'no role'}: ${JSON.stringify(cgroups)}`, () => assert.equal(roleIn('bm-1', cgroups), role));
  }
});

describe('the files of a machine', () => {
  it('give it a static address and the outer MTU', () => {
    const text = networkUnit({
      address: '10.77.0.2',
      prefix: 24,
      gateway: '10.77.0.1',
      mtu: 1400,
      bridge: 'b',
    });
    assert.match(text, /MTUBytes=1400\n[\s\S]*Address=10\.77\.0\.2\/24\nGateway=10\.77\.0\.1\n/);
  });

  it('name only servers that it can reach', () => {
    const resolver = parseResolver(
      'nameserver 127.0.0.53\nnameserver fd00::1\nnameserver 192.0.2.53\nsearch a.example b.example\n',
    );
    assert.deepEqual(resolver, { nameservers: ['192.0.2.53'], search: ['a.example', 'b.example'] });
    assert.match(
      resolvConf(resolver.nameservers, resolver.search),
      /\nnameserver 192.0.2.53\nsearch a.example b.example\n$/,
    );
  });

  it('let it know its own name', () => assert.match(hosts('local'), /^127\.0\.1\.1 local$/m));
});
