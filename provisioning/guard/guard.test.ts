import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { entriesOf } from '../history.ts';
import { createHost } from '../host.ts';
import { parseStat } from './clock.ts';
import { save } from './save.ts';

const script = join(import.meta.dirname, 'undo.sh');

describe('what undoes a risky change', () => {
  let work: string;
  let guard: string;
  /** What the fake systemctl was asked. */
  const asked = () => readFileSync(join(work, 'asked'), 'utf8');
  const at = (name: string) => join(work, 'etc', name);
  /** Names, kinds, modes, owners, times and contents of everything that is guarded. */
  const look = () =>
    execFileSync('sh', ['-c', 'find etc -printf "%p %y %m %u %T@ %l\\n" | sort; cat etc/*.conf'], {
      cwd: work,
      encoding: 'utf8',
    });

  before(function () {
    // The files that it writes down are root's.
    if (process.getuid?.() !== 0) this.skip();
  });
  beforeEach(async () => {
    work = mkdtempSync(join(tmpdir(), 'berth-guard-'));
    guard = join(work, 'guard');
    for (const name of ['etc', 'etc/there.d', 'guard', 'guard/armed.1', 'bin']) mkdirSync(join(work, name));
    writeFileSync(join(work, 'bin/systemctl'), `#!/bin/sh\necho "$@" >>${work}/asked\n`, { mode: 0o755 });
    writeFileSync(at('a.conf'), 'old a\n', { mode: 0o640 });
    writeFileSync(at('same.conf'), 'same\n');
    execFileSync('ln', ['-s', 'a.conf', at('link')]);
    const paths = ['a.conf', 'same.conf', 'link', 'there.d', 'new.d', 'new.d/new.conf', 'new'].map(at);
    const restore = [['sh', '-c', `echo "two words" >>${work}/told`]];
    await save(
      createHost(),
      [
        { paths, restore },
        { paths: [], restore },
      ],
      join(guard, 'armed.1'),
    );
    writeFileSync(join(guard, 'armed.1/by'), 'me\n');
  });
  afterEach(() => work && rmSync(work, { recursive: true }));

  function change(): void {
    writeFileSync(at('a.conf'), 'new a\n');
    chmodSync(at('a.conf'), 0o666);
    rmSync(at('link'));
    writeFileSync(at('link'), 'a file now');
    chmodSync(at('there.d'), 0o700);
    mkdirSync(at('new.d'));
    for (const name of ['new', 'new.d/new.conf']) writeFileSync(at(name), 'new');
  }

  const env = () => ({ ...process.env, PATH: `${join(work, 'bin')}${delimiter}${process.env.PATH}` });

  async function start(program: string, argv: string[]): Promise<number | null> {
    const [code] = await once(spawn(program, argv, { stdio: 'ignore', env: env() }), 'close');
    return code;
  }

  function undo(...when: string[]) {
    return spawnSync('sh', [script, guard, ...when], { encoding: 'utf8', env: env() });
  }

  it('puts everything back, tells the programs once, and is done', () => {
    const before = look();
    change();
    const { status, stdout, stderr } = undo();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /of me were not confirmed/);
    // Only a directory's own time tells that something was in it.
    const timeless = (text: string) => text.replace(/^(\S+ d \d+ \S+) .*$/gm, '$1');
    assert.equal(timeless(look()), timeless(before));
    assert.equal(readFileSync(join(work, 'told'), 'utf8'), 'two words\n');
    assert.deepEqual(readdirSync(guard), ['undone.1']);
    assert.deepEqual(readdirSync(join(guard, 'undone.1')).includes('files'), false);
  });

  it('does it again from wherever it was killed', () => {
    const before = look();
    change();
    execFileSync('mv', [join(guard, 'armed.1'), join(guard, 'undoing.1')]);
    rmSync(at('new'));
    assert.equal(undo().status, 0);
    assert.equal(look().split('\n').length, before.split('\n').length);
  });

  it('happens or is confirmed, never both, when both are tried at once', async () => {
    const results = [];
    for (let round = 0; round < 12; round += 1) {
      rmSync(guard, { recursive: true });
      for (const name of ['guard', 'guard/armed.1']) mkdirSync(join(work, name));
      for (const name of ['absent', 'present', 'restore', 'by'])
        writeFileSync(join(guard, 'armed.1', name), '');
      const [undone, confirmed] = ['undo', 'confirm'].map((which) =>
        which === 'undo'
          ? start('sh', [script, guard])
          : start('mv', ['-T', ...['armed.1', 'confirmed.1'].map((name) => join(guard, name))]),
      );
      await undone;
      results.push([(await confirmed) === 0, readdirSync(guard)]);
    }
    for (const [confirmed, left] of results) assert.deepEqual(left, [confirmed ? 'confirmed.1' : 'undone.1']);
  });

  it('is in the history', () => {
    undo();
    const [entry] = entriesOf(readFileSync(join(work, 'history.ndjson'), 'utf8'), undefined);
    assert.deepEqual([entry?.verb, entry?.by, entry?.result], ['undo', 'the machine', 'done']);
  });

  it('leaves alone what was confirmed', () => {
    change();
    const changed = look();
    execFileSync('mv', [join(guard, 'armed.1'), join(guard, 'confirmed.1')]);
    assert.equal(undo().status, 0);
    assert.equal(look(), changed);
  });

  it('tells no program at a boot, when none has started', () => {
    change();
    assert.equal(undo('boot').status, 0);
    assert.throws(() => readFileSync(join(work, 'told')), { code: 'ENOENT' });
  });

  it('kills the run that is in the middle of it, and no other', () => {
    writeFileSync(join(work, 'bin/systemctl'), `#!/bin/sh\necho "$@" >>${work}/asked\necho 77\n`);
    writeFileSync(join(guard, 'armed.1/invocation'), '77');
    undo();
    assert.match(asked(), /kill --signal=SIGKILL berth-run/);
    rmSync(join(work, 'asked'));
    execFileSync('mv', [join(guard, 'undone.1'), join(guard, 'armed.1')]);
    writeFileSync(join(guard, 'armed.1/invocation'), '78');
    mkdirSync(join(guard, 'armed.1/files'));
    undo();
    assert.doesNotMatch(asked(), /kill/);
  });

  it('puts nothing half back when the disk is full, and keeps what it has for the next time', () => {
    const before = look();
    change();
    const cp = join(work, 'bin/cp');
    writeFileSync(cp, '#!/bin/sh\nfor to; do :; done\nprintf half >"$to"\nexit 1\n', { mode: 0o755 });
    const { status, stderr } = undo();
    assert.equal(status, 1);
    assert.match(stderr, /failed: restore_file .*a\.conf/);
    assert.equal(readFileSync(at('a.conf'), 'utf8'), 'new a\n');
    assert.deepEqual(
      readdirSync(join(work, 'etc')).filter((name) => name.startsWith('.')),
      [],
    );
    assert.deepEqual(readdirSync(guard), ['undoing.1']);
    rmSync(cp);
    assert.equal(undo().status, 0);
    assert.equal(look().split('\n').length, before.split('\n').length);
    assert.equal(readFileSync(at('a.conf'), 'utf8'), 'old a\n');
  });

  it('stays at it when something cannot be put back', () => {
    mkdirSync(join(work, 'elsewhere'));
    rmSync(at('a.conf'));
    mkdirSync(at('a.conf'));
    writeFileSync(join(at('a.conf'), 'in the way'), '');
    const { status, stderr } = undo();
    assert.equal(status, 1);
    assert.match(stderr, /failed: restore_file .*a\.conf/);
    assert.deepEqual(readdirSync(guard), ['undoing.1']);
  });
});

describe("a process's line in /proc", () => {
  it('is read whatever its name holds', () => {
    const fields = ['S', '7', ...Array.from({ length: 17 }, () => '0'), '4711', '0'];
    assert.deepEqual(parseStat(`12 (a) b (c) ${fields.join(' ')}`), {
      name: 'a) b (c',
      parent: 7,
      startedTicks: 4711,
    });
  });
});
