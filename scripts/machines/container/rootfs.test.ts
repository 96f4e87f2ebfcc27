import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeAtomic } from '../atomic.ts';
import { placeOf } from './place.ts';
import { claim, findRecord } from './record.ts';
import { mountsBelow } from './remove.ts';
import { connect, unpackArgv } from './rootfs.ts';

const connection = { address: '10.77.0.2', prefix: 24, gateway: '10.77.0.1', mtu: 1400, bridge: 'b' };
const resolver = { nameservers: ['192.0.2.53'], search: [] };
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

describe('what Berth writes on this computer', () => {
  let work = '';
  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'berth-test-'));
  });
  afterEach(() => rmSync(work, { recursive: true }));

  it('has its final mode whatever the umask, and replaces a symlink instead of following it', () => {
    const target = join(work, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(work, 'link'));
    const umask = process.umask(0o077);
    writeAtomic(join(work, 'link'), 'new', 0o644);
    process.umask(umask);
    assert.equal(readFileSync(target, 'utf8'), 'precious');
    assert.equal(statSync(join(work, 'link')).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(work).sort(), ['link', 'target']);
  });

  it('is refreshed in a machine that is switched off, unless the machine has made it its own', () => {
    const rootfs = join(work, 'rootfs');
    mkdirSync(join(rootfs, 'etc/systemd/network'), { recursive: true });
    connect(rootfs, connection, resolver);
    connect(rootfs, connection, { nameservers: ['192.0.2.54'], search: [] });
    assert.match(readFileSync(join(rootfs, 'etc/resolv.conf'), 'utf8'), /nameserver 192\.0\.2\.54/);
    writeFileSync(join(rootfs, 'etc/resolv.conf'), 'nameserver 198.51.100.1\n');
    connect(rootfs, connection, resolver);
    assert.equal(readFileSync(join(rootfs, 'etc/resolv.conf'), 'utf8'), 'nameserver 198.51.100.1\n');
  });

  it('never leaves the machine by a symlink that the machine has made', () => {
    const rootfs = join(work, 'rootfs');
    const outside = join(work, 'outside');
    mkdirSync(outside);
    mkdirSync(join(rootfs, 'etc/systemd/network'), { recursive: true });
    symlinkSync(join(outside, 'resolv.conf'), join(rootfs, 'etc/resolv.conf'));
    connect(rootfs, connection, resolver);
    assert(lstatSync(join(rootfs, 'etc/resolv.conf')).isSymbolicLink());
    rmSync(join(rootfs, 'etc'), { recursive: true });
    symlinkSync(outside, join(rootfs, 'etc'));
    assert.throws(() => connect(rootfs, connection, resolver), { code: 'rootfs_odd' });
    assert.deepEqual(readdirSync(outside), []);
  });

  it('marks its directory, once', () => {
    const place = placeOf(work, 'local');
    const record = claim(place, 'debian-13', owner);
    assert.deepEqual(claim(place, 'debian-12', owner), record);
    assert.equal(statSync(place.directory).mode & 0o777, 0o700);
  });

  it('starts over in a directory whose marking was cut short', () => {
    const place = placeOf(work, 'local');
    mkdirSync(place.directory, { recursive: true });
    writeFileSync(`${place.record}.123.partial`, '{');
    assert.equal(findRecord(place), undefined);
    assert.equal(claim(place, 'debian-13', owner).name, 'local');
  });

  it('is nowhere where somebody else’s things are', () => {
    const place = placeOf(work, 'local');
    mkdirSync(place.directory, { recursive: true });
    writeFileSync(join(place.directory, 'thesis.txt'), '');
    assert.throws(() => findRecord(place), { code: 'machine_unrecognised', message: /thesis\.txt/ });
    rmSync(place.directory, { recursive: true });
    symlinkSync('/', place.directory);
    assert.throws(() => claim(place, 'debian-13', owner), { code: 'machine_unrecognised' });
  });
});

describe('deleting a tree', () => {
  it('finds what is mounted in it, the deepest first, whatever it is called', () => {
    const mountinfo = [
      '22 1 8:1 / / rw - ext4 /dev/a rw',
      '30 22 8:1 / /m/a\\040b rw - ext4 /dev/a rw',
      '31 30 8:1 / /m/a\\040b/proc rw - proc proc rw',
      '32 22 8:1 / /m/a\\040bc rw - ext4 /dev/a rw',
    ].join('\n');
    assert.deepEqual(mountsBelow('/m/a b', mountinfo), ['/m/a b/proc', '/m/a b']);
  });
});

describe('unpacking', () => {
  it('keeps owners by number, modes and extended attributes', () => {
    const argv = unpackArgv('/a b/image.tar', '/m');
    for (const flag of ['--numeric-owner', '--preserve-permissions', '--xattrs', '--file=/a b/image.tar']) {
      assert(argv.includes(flag), flag);
    }
  });
});
