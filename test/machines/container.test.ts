import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { killAll } from '../../scripts/machines/container/ending.ts';
import { placeOf } from '../../scripts/machines/container/place.ts';
import { leaderOf, processesOf } from '../../scripts/machines/container/processes.ts';
import { requiredPackages } from '../../scripts/machines/container/requirements.ts';
import { until } from '../../scripts/machines/container/until.ts';
import { type ContainerOptions, containerMachine } from '../../scripts/machines/container.ts';
import { run, runChecked } from '../../scripts/process.ts';
import { quietReport } from '../../scripts/report.ts';

// On a range of its own, so that machines of the person who runs this are left alone. Needs root, some minutes, 3 GiB.
const network = '10.213.77.0/24';
const bridge = 'berth-0ad54d00';
const report = quietReport();

describe('a container machine', function () {
  this.timeout(300_000);
  let work = '';
  const optionsOf = (checkout: string, more: Partial<ContainerOptions> = {}): ContainerOptions => ({
    name: 'local',
    stateDirectory: join(work, checkout, '.berth'),
    image: 'debian-13',
    network,
    ...more,
  });
  const one = () => optionsOf('one checkout');
  const placeOfOne = () => placeOf(one().stateDirectory, 'local');

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0 || requiredPackages().length > 0)
      this.skip();
    work = mkdtempSync(join(tmpdir(), 'berth machines '));
  });
  after(async () => {
    if (work === '') return;
    for (const checkout of existsSync(work) ? readdirSync(work) : [])
      await containerMachine(optionsOf(checkout)).destroy(report);
    rmSync(work, { recursive: true });
    await assertNothingLeft();
  });

  it('is not there at first', async () => {
    const machine = containerMachine(one());
    assert.equal(await machine.state(), 'absent');
    await assert.rejects(machine.reach(), { code: 'machine_absent' });
    await assert.rejects(machine.start(report), { code: 'machine_absent' });
    await machine.stop(report);
    await machine.destroy(report);
  });

  it('is built once when two ask at once, and again from where a killed build stopped', async () => {
    const first = act('create', one());
    await first.begun;
    await pause(4000);
    await first.kill();
    const both = [act('create', one()), act('create', one())];
    const codes = await Promise.all(both.map(({ ended }) => ended));
    assert.deepEqual(codes, [0, 0]);
    assert.equal(readdirSync(placeOfOne().images).length, 1, String(readdirSync(placeOfOne().images)));
  });

  it('lets root in with pinned keys, and apt works inside', async () => {
    const said = await inside(
      one(),
      'apt-get -qq update && apt-get -qq install -y tree >/dev/null && tree --version',
    );
    assert.match(said, /^tree v/);
    assert.equal(
      (await inside(one(), 'systemctl is-system-running --wait || systemctl --failed')).trim(),
      'running',
    );
  });

  it('keeps its address, its identity and its data over reboot, stop and start', async () => {
    const machine = containerMachine(one());
    const before = await inside(one(), 'echo kept > /srv/kept; cat /etc/machine-id; hostname');
    const { names } = await machine.reach();
    const leader = leaderOf(placeOfOne().id);
    await ssh(one(), 'systemctl reboot');
    assert(await until(() => ![undefined, leader].includes(leaderOf(placeOfOne().id)), 30_000), 'no reboot');
    await machine.start(report);
    assert.equal(await inside(one(), 'cat /etc/machine-id; hostname'), before);
    await machine.stop(report);
    await machine.stop(report);
    assert.equal(await machine.state(), 'stopped');
    await assertNoNetwork();
    await machine.start(report);
    await machine.start(report);
    assert.equal(await machine.state(), 'running');
    assert.equal(await inside(one(), 'cat /etc/machine-id; hostname'), before);
    assert.equal(await inside(one(), 'cat /srv/kept'), 'kept\n');
    assert.deepEqual((await machine.reach()).names, names);
    assert((await machine.details()).runningSince instanceof Date);
  });

  it('was powered off in an orderly way', async () => {
    assert.match(
      await inside(one(), 'journalctl --boot -1 --no-pager | tail -20'),
      /Reached target .*[Pp]ower.?[Oo]ff/,
    );
  });

  it('is known to be off when it powers itself off', async () => {
    await ssh(one(), 'systemctl poweroff');
    const machine = containerMachine(one());
    assert(await until(async () => (await machine.state()) === 'stopped', 30_000));
    await machine.start(report);
    assert.equal(await inside(one(), 'cat /srv/kept'), 'kept\n');
  });

  it('gets a supervisor again when that was killed', async () => {
    const keeper = processesOf(placeOfOne().id).find(({ role }) => role === 'keeper');
    assert(keeper);
    process.kill(keeper.pid, 'SIGKILL');
    const machine = containerMachine(one());
    assert.equal(await machine.state(), 'running');
    await machine.start(report);
    assert(processesOf(placeOfOne().id).some(({ role }) => role === 'keeper'));
    assert.equal(await inside(one(), 'cat /srv/kept'), 'kept\n');
  });

  it('starts again when everything of it was killed', async () => {
    await killAll(placeOfOne());
    const machine = containerMachine(one());
    assert(await until(async () => (await machine.state()) === 'stopped', 10_000));
    await machine.start(report);
    assert.equal(await inside(one(), 'cat /srv/kept'), 'kept\n');
  });

  it('shares the network with a machine of the same name in another checkout', async () => {
    shareImages(one(), optionsOf('two'));
    const two = containerMachine(optionsOf('two'));
    await two.create(report);
    const [mine = '', theirs = ''] = [
      (await containerMachine(one()).reach()).names[0],
      (await two.reach()).names[0],
    ];
    assert.notEqual(mine, theirs);
    await inside(optionsOf('two'), `bash -c 'exec 3<>/dev/tcp/${mine}/22; head -c4 <&3' | grep -q SSH-`);
    await two.destroy(report);
    assert.equal(await two.state(), 'absent');
    assert.match(
      await inside(
        one(),
        'getent hosts "$(sed -n "s,.*//\\([^/]*\\)/.*,\\1,p" /etc/apt/sources.list | head -1)"',
      ),
      /./,
    );
  });

  it('is refused, before anything is changed, where the range is somebody else’s', async () => {
    await runChecked(['ip', 'link', 'add', 'berth-test0', 'type', 'bridge']);
    try {
      await runChecked(['ip', 'address', 'add', '10.213.78.9/25', 'dev', 'berth-test0']);
      const machine = containerMachine(optionsOf('three', { network: '10.213.78.0/24' }));
      await assert.rejects(machine.create(report), {
        code: 'network_taken',
        message: /10\.213\.78\.9\/25 of the interface berth-test0/,
      });
      assert.equal(existsSync(join(work, 'three')), false);
    } finally {
      await runChecked(['ip', 'link', 'delete', 'berth-test0']);
    }
  });

  it('never deletes what it did not make', async () => {
    const options = optionsOf('foreign');
    const place = placeOf(options.stateDirectory, 'local');
    mkdirSync(place.rootfs, { recursive: true });
    await assert.rejects(containerMachine(options).destroy(report), { code: 'machine_unrecognised' });
    assert(existsSync(place.rootfs));
    rmSync(join(work, 'foreign'), { recursive: true });
  });

  it('is deleted whatever it holds: symlinks to the outside, mounts', async () => {
    const precious = join(work, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), 'x');
    const { rootfs } = placeOfOne();
    symlinkSync(precious, join(rootfs, 'srv/link'));
    mkdirSync(join(rootfs, 'srv/a mount'));
    await runChecked(['mount', '--bind', precious, join(rootfs, 'srv/a mount')]);
    await containerMachine(one()).destroy(report);
    assert.deepEqual(readdirSync(precious), ['file']);
    rmSync(precious, { recursive: true });
    await assertNothingLeft();
  });

  it('comes to be wherever an earlier create was killed', async () => {
    for (const delayMs of [150, 400, 900, 1500, 2500, 3500]) {
      const create = act('create', one());
      await pause(delayMs);
      await create.kill();
      await assertHalfway(delayMs);
    }
    assert.equal(await act('create', one()).ended, 0);
    assert.match(await inside(one(), 'hostname'), /^local$/m);
  });

  it('stops and starts wherever an earlier start or stop was killed', async () => {
    for (const delayMs of [60, 100, 150, 220, 320, 500]) {
      for (const verb of ['stop', 'start']) {
        const cut = act(verb, one());
        await pause(delayMs);
        await cut.kill();
      }
    }
    assert.equal(await act('stop', one()).ended, 0);
    await assertNoNetwork();
    assert.equal(await act('start', one()).ended, 0);
    assert.match(await inside(one(), 'hostname'), /^local$/m);
  });

  it('is gone wherever an earlier destroy was killed', async () => {
    for (const delayMs of [120, 180, 250, 350, 600]) {
      const destroy = act('destroy', one());
      await pause(delayMs);
      await destroy.kill();
    }
    assert.equal(await act('destroy', one()).ended, 0);
    await assertNothingLeft();
    assert.deepEqual(readdirSync(join(one().stateDirectory, 'machines')), []);
  });

  it('is a Debian 12 too', async () => {
    const options = optionsOf('bookworm', { image: 'debian-12', memoryMiB: 700 });
    await containerMachine(options).create(report);
    assert.match(await inside(options, 'cat /etc/debian_version'), /^12/);
    assert.equal(
      (await inside(options, 'systemctl is-system-running --wait || systemctl --failed')).trim(),
      'running',
    );
    await inside(options, 'apt-get -qq update');
    await containerMachine(options).destroy(report);
    await assertNothingLeft();
  });

  /** What a killed create leaves is a machine that runs, or nothing that runs; never a build or a mount. */
  async function assertHalfway(delayMs: number): Promise<void> {
    const building = () =>
      readdirSync('/proc')
        .filter((pid) => /^\d+$/.test(pid))
        .map(commandLine)
        .filter((line) => line.includes(work) && !line.includes('nspawn'));
    // One that waits for the disk ends when that has answered.
    await until(() => building().length === 0, 10_000);
    assert.deepEqual(building(), [], `after ${delayMs} ms`);
    assert(!readFileSync('/proc/self/mountinfo', 'utf8').includes('berth\\040machines'));
  }

  /** Looks for anything of ours on this computer, outside the state directory. */
  async function assertNothingLeft(): Promise<void> {
    const ids = ['one checkout', 'two', 'bookworm'].map(
      (checkout) => placeOf(optionsOf(checkout).stateDirectory, 'local').id,
    );
    for (const id of ids) {
      assert.deepEqual(processesOf(id), []);
      const found = await run(['find', '/sys/fs/cgroup', '/run', '/sys/class/net', '-name', `*${id}*`]);
      assert.equal(found.stdout, '');
    }
    assert(!readFileSync('/proc/self/mountinfo', 'utf8').includes('berth\\040machines'));
    await assertNoNetwork();
    const leases = existsSync('/run/berth/leases') ? readdirSync('/run/berth/leases') : [];
    assert.deepEqual(
      leases.filter((name) => name.startsWith('10.213.77.')),
      [],
    );
  }
});

/** A verb in a process of its own; `ended` resolves to its exit code, null if it was killed. */
function act(verb: string, options: ContainerOptions) {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'act.ts'), verb, JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  child.stdout.resume();
  const ended = once(child, 'close').then(() => child.exitCode);
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
    // The kernel takes the children along, which is not instantaneous.
    await pause(100);
  };
  return { begun: once(child.stdout, 'data'), ended, kill };
}

async function ssh(options: ContainerOptions, command: string) {
  const { sshConfig = '', alias } = await containerMachine(options).reach();
  return run(['ssh', '-F', sshConfig, '-o', 'BatchMode=yes', '-l', 'root', alias, command], {
    timeoutMs: 120_000,
  });
}

async function inside(options: ContainerOptions, command: string): Promise<string> {
  const { code, stdout, stderr } = await ssh(options, command);
  assert.equal(code, 0, stderr + stdout);
  return stdout;
}

/** Another checkout with the images of the first, or each would take half a minute. */
function shareImages(from: ContainerOptions, to: ContainerOptions): void {
  const [source, target] = [placeOf(from.stateDirectory, 'x').images, placeOf(to.stateDirectory, 'x').images];
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(source)) linkSync(join(source, name), join(target, name));
}

async function assertNoNetwork(): Promise<void> {
  assert.equal(existsSync(`/sys/class/net/${bridge}`), false, 'the bridge is still there');
  assert(
    !(await runChecked(['nft', 'list', 'tables'])).stdout.includes('berth_0ad54d00'),
    'the table is still there',
  );
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
