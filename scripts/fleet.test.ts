import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { run } from './cli.ts';
import type { Command, Context } from './command.ts';
import { hostsOf, onEachHost } from './fleet.ts';
import { memoryIo } from './testing/memory-io.ts';

describe('several hosts', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-fleet-'));
  before(() => {
    mkdirSync(join(root, 'provisioning/hosts'), { recursive: true });
    for (const name of ['a', 'b'])
      writeFileSync(
        join(root, `provisioning/hosts/${name}.yml`),
        'machine: {kind: container}\napps: {api: {}}\n',
      );
  });
  after(() => rmSync(root, { recursive: true }));

  async function berth(line: string, act: (context: Context) => Promise<unknown>) {
    const io = memoryIo();
    const command: Command = {
      examples: [['berth probe', 'probe']],
      run: (context) => onEachHost(context, context.hosts, act),
    };
    const list = [{ word: 'probe', group: 'Test', summary: 'probe', load: async () => ({ command }) }];
    const edge = {
      root,
      signal: new AbortController().signal,
      openMachine: () => Promise.reject(new Error('not asked for')),
    };
    const code = await run(line.split(' '), io, edge, list);
    return { code, out: io.out(), err: io.err() };
  }

  it('do the work side by side, each with its own lines', async () => {
    const begun: string[] = [];
    let letBothBegin = () => {};
    const both = new Promise<void>((resolve) => {
      letBothBegin = resolve;
    });
    const { code, out, err } = await berth('probe -H a,b', async ({ flags, report }) => {
      begun.push(flags.host);
      if (begun.length === 2) letBothBegin();
      await report.step(`works on ${flags.host}`, () => both);
      report.print(`one\ntwo\n`);
    });
    assert.equal(code, 0);
    assert.equal(out, 'a | one\na | two\nb | one\nb | two\n');
    assert.match(err, /^a \| - works on a\nb \| - works on b\na \| ✓ works on a/);
  });

  it('finish where another fails, which is named, and exit 1', async () => {
    const fail = async ({ flags, report }: Context) => {
      if (flags.host === 'a') throw new BerthError('locked', 'a is held', 'wait');
      report.print('done\n');
    };
    const { code, out, err } = await berth('probe -H a,b', fail);
    assert.deepEqual([code, out], [1, 'b | done\n']);
    assert.match(
      err,
      /^a \| error: a is held \(locked\)\na \| next: {2}wait\nfailed on a; done on 1 of 2 hosts\n$/,
    );
    const json = (await berth('probe -H a,b --json', fail)).out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    assert.deepEqual(json[0], {
      type: 'error',
      code: 'locked',
      message: 'a is held',
      hint: 'wait',
      host: 'a',
    });
  });

  it('give the largest exit code, and 1 before any other where one failed', async () => {
    const differs = ({ flags }: Context) => Promise.resolve(flags.host === 'a' ? 2 : 0);
    assert.equal((await berth('probe -H a,b', differs)).code, 2);
    const fails = async ({ flags }: Context) => {
      if (flags.host === 'b') throw new BerthError('locked', 'b is held', 'wait');
      return 2;
    };
    assert.equal((await berth('probe -H a,b', fails)).code, 1);
  });

  it('are all of them with --all, but for a container that was never made', async () => {
    const work = async ({ flags, report }: Context) => {
      if (flags.host === 'b') throw new BerthError('machine_absent', 'there is no machine b yet', 'berth up');
      report.print('done\n');
    };
    const { code, out, err } = await berth('probe --all', work);
    assert.deepEqual([code, out], [0, 'a | done\n']);
    assert.match(err, /^b \| left out: there is no machine b yet$/m);
    assert.equal((await berth('probe -H a,b', work)).code, 1, 'one that is named is not left out');
    assert.match((await berth('probe --all -H a', work)).err, /wrong_usage/);
  });

  it('are the only one, else local, where nothing is named', async () => {
    const named: string[] = [];
    const note = async ({ flags }: Context) => void named.push(flags.host);
    await berth('probe', note);
    rmSync(join(root, 'provisioning/hosts/b.yml'));
    await berth('probe', note);
    writeFileSync(join(root, 'provisioning/hosts/b.yml'), 'machine: {kind: container}\napps: {api: {}}\n');
    assert.deepEqual(named, ['local', 'a']);
  });

  it('are none of them begun where one is unknown', async () => {
    let begun = 0;
    const { code, err } = await berth('probe -H a,c', async () => {
      begun += 1;
    });
    assert.deepEqual([code, begun], [64, 0]);
    assert.match(err, /unknown host "c"/);
  });

  it('are refused by a command that works on one', async () => {
    const io = memoryIo();
    const edge = {
      root,
      signal: new AbortController().signal,
      openMachine: () => Promise.reject(new Error()),
    };
    assert.equal(await run(['rollback', '-H', 'a,b'], io, edge), 64);
    assert.match(io.err(), /--host names 2 hosts \(a, b\), and this command works on one \(wrong_usage\)/);
  });

  it('leave a single one as it is', async () => {
    const { code, err } = await berth('probe -H a', () => Promise.reject(new BerthError('locked', 'x', 'y')));
    assert.deepEqual([code, err], [1, 'error: x (locked)\nnext:  y\n']);
    assert.deepEqual(hostsOf('a,b,a'), ['a', 'b']);
  });
});
