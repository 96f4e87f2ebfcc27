import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { run } from './cli.ts';
import type { Command, Context, Entry, Input } from './command.ts';
import { entries } from './commands/index.ts';
import type { Machine, MachineState } from './machines/machine.ts';
import { type MemoryOptions, memoryIo } from './testing/memory-io.ts';

describe('berth', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-cli-'));
  before(() => {
    mkdirSync(join(root, 'provisioning/hosts'), { recursive: true });
    const file = (name: string) => join(root, 'provisioning/hosts', `${name}.yml`);
    for (const name of ['local', 'vps', 'example'])
      writeFileSync(file(name), 'machine: {kind: container}\napps: {api: {}}\n');
    writeFileSync(file('broken'), 'machine: {kind: container}\napps: {api: {procesess: {}}}\n');
  });
  after(() => rmSync(root, { recursive: true }));

  /** A machine in one state that writes down what is asked of it. */
  function fakeMachine(state: MachineState, asked: string[]): Machine {
    const ask = (verb: string) => async () => void asked.push(verb);
    return {
      kind: 'container',
      create: ask('create'),
      start: ask('start'),
      stop: ask('stop'),
      destroy: ask('destroy'),
      state: async () => state,
      reach: async () => ({
        alias: 'local',
        firstUser: 'root',
        publicKey: 'ssh-ed25519 AAAA',
        names: ['10.77.0.2'],
      }),
    };
  }

  type Options = MemoryOptions & { state?: MachineState; list?: Entry[]; signal?: AbortSignal };

  async function berth(
    line: string,
    { state = 'running', list = entries, signal, ...options }: Options = {},
  ) {
    const io = memoryIo(options);
    const asked: string[] = [];
    const edge = {
      root,
      signal: signal ?? new AbortController().signal,
      openMachine: async () => fakeMachine(state, asked),
    };
    const code = await run(line.split(' ').filter(Boolean), io, edge, list);
    return { code, out: io.out(), err: io.err(), asked };
  }

  /** A list of one word, `probe`, that does what it is told. */
  function probe(act: (context: Context, input: Input) => unknown, more: Partial<Command> = {}): Entry[] {
    const command: Command = {
      examples: [['berth probe', 'probe']],
      run: async (context, input) => {
        await act(context, input);
        return 0;
      },
      ...more,
    };
    return [{ word: 'probe', group: 'Test', summary: 'probe', load: async () => ({ command }) }];
  }

  describe('help', () => {
    for (const line of ['', '--help', '-h', 'help']) {
      it(`lists every word under its group, on one line, for "berth ${line}"`, async () => {
        const { code, out, err } = await berth(line);
        assert.deepEqual([code, err], [0, '']);
        for (const { word, group, summary } of entries) {
          assert.match(out, new RegExp(`^${group}:$`, 'm'));
          assert.ok(
            out.split('\n').some((text) => text.trim().startsWith(`${word} `) && text.endsWith(summary)),
            word,
          );
        }
        assert.match(out, /Exit codes:\n {2}0 +done/);
        assert.ok(out.split('\n').every((text) => text.length <= 80));
      });
    }

    for (const entry of entries) {
      it(`of ${entry.word} has examples that are lines of berth`, async () => {
        const { command } = await entry.load();
        for (const line of [`${entry.word} --help`, `help ${entry.word}`]) {
          const { code, out } = await berth(line);
          assert.equal(code, 0);
          for (const [example] of command.examples) {
            assert.match(example, /^([A-Z_]+=\S+ )?berth /);
            assert.ok(out.includes(`  ${example}`), example);
          }
        }
      });
    }
  });

  describe('wrong usage', () => {
    const cases: [line: string, said: RegExp][] = [
      ['destory', /unknown command 'destory'.*\nnext: {2}did you mean destroy\?/],
      ['down --jsno', /unknown option '--jsno'.*\nnext: {2}did you mean --json\?/],
      ['down now', /too many arguments/],
      ['down --host', /argument missing/],
      ['down --host vsp', /unknown host "vsp".*: broken, local, vps.*\nnext: {2}did you mean --host vps\?/],
      ['down --host ../local', /unknown host/],
      ['down --host example', /unknown host/],
      ['logs api', /too many arguments/],
      ['logs --process We*b', /--process "We\*b" names none/],
      ['logs --release 41', /--release "41" names none.*\nnext: {2}write it such as v41/],
      ['logs --grep (', /--grep: .*Unterminated group/],
      ['logs --access --process web', /--access has no --process/],
      ['logs --since yesterday', /--since "yesterday" is neither an age nor a time/],
      ['logs -n 0', /--lines "0" is not a number/],
      ['logs -n 1;id', /--lines "1;id" is not a number/],
      ['dev -p x', /--port "x" is not a port/],
      ['destroy', /Nobody is at a terminal.*\nnext: {2}add --yes/],
      ['remove --yes --purge-data=other', /--purge-data names "other".*\nnext: {2}--purge-data=local/],
    ];
    for (const [line, said] of cases) {
      it(`berth ${line}: exit 64 and the next step`, async () => {
        const { code, out, err } = await berth(line);
        assert.equal(code, 64);
        assert.equal(out, '');
        assert.match(err, said);
      });
    }

    it('is an event with --json, wherever the flag stands', async () => {
      for (const line of ['destory --json', '--json destory']) {
        const { code, out, err } = await berth(line);
        assert.deepEqual([code, err], [64, '']);
        assert.deepEqual(JSON.parse(out), {
          type: 'error',
          code: 'wrong_usage',
          message: "unknown command 'destory'",
          hint: 'did you mean destroy?',
        });
      }
    });
  });

  describe('a command', () => {
    it('gets flags before and after its word, arguments and options', async () => {
      const seen: unknown[] = [];
      const list = probe(
        ({ flags, stateDirectory }, { args, options }) => seen.push(flags, stateDirectory, args, options),
        {
          arguments: [['[things...]', 'things']],
          options: [
            ['-f, --follow', 'follow'],
            ['--since <age>', 'since', '1h'],
          ],
        },
      );
      await berth('-H vps probe --yes a -f --verbose -- --json -x', {
        list,
        env: { BERTH_HOST: 'other', BERTH_STATE: '/s' },
      });
      assert.deepEqual(seen, [
        { host: 'vps', all: false, app: undefined, json: false, yes: true, verbose: true },
        '/s',
        ['a', '--json', '-x'],
        { follow: true, since: '1h' },
      ]);
    });

    it('is for BERTH_HOST, else local', async () => {
      const hosts: string[] = [];
      const list = probe(({ flags }) => hosts.push(flags.host));
      await berth('probe', { list, env: { BERTH_HOST: 'vps' } });
      await berth('probe', { list });
      assert.deepEqual(hosts, ['vps', 'local']);
    });

    it('reads the hosts file once, and only if asked to', async () => {
      assert.equal((await berth('probe --host broken', { list: probe(() => {}) })).code, 0);
      const list = probe(async (context) => assert.equal(await context.hostFile(), await context.hostFile()));
      assert.equal((await berth('probe', { list })).code, 0);
    });

    it('ends with 1 and every problem of a broken hosts file', async () => {
      const { code, err } = await berth('probe --host broken', {
        list: probe((context) => context.settings()),
      });
      assert.equal(code, 1);
      assert.match(
        err,
        /provisioning\/hosts\/broken\.yml:2:14 apps\.api\.procesess: unknown key; did you mean "processes"\?/,
      );
    });

    it('gets settings completed by the machine', async () => {
      const list = probe(async (context) =>
        assert.deepEqual((await context.settings()).tls.names, ['10.77.0.2']),
      );
      assert.equal((await berth('probe', { list })).code, 0);
    });

    for (const [state, said] of [
      ['stopped', /is switched off \(machine_stopped\)\nnext: {2}berth up/],
      ['absent', /there is no machine local yet \(machine_absent\)\nnext: {2}berth up/],
    ] as const) {
      it(`says how to go on when the machine is ${state}`, async () => {
        const { code, err } = await berth('ssh', { state });
        assert.equal(code, 1);
        assert.match(err, said);
      });
    }

    it('ends with 1, message, code and hint of its failure', async () => {
      const list = probe(() => Promise.reject(new BerthError('locked', 'held by ops', 'wait')));
      const { code, err } = await berth('probe', { list });
      assert.equal(code, 1);
      assert.equal(err, 'error: held by ops (locked)\nnext:  wait\n');
    });

    it('shows the stack of a fault of ours with --verbose only', async () => {
      const list = probe(() => Promise.reject(new TypeError('x is undefined')));
      assert.equal((await berth('probe', { list })).err.split('\n').length, 3);
      assert.match((await berth('probe -v', { list })).err, /\n {4}at .*cli\.test\.ts/);
    });

    it('ends with 130 after Ctrl-C, whatever it threw', async () => {
      const stop = new AbortController();
      const list = probe(() => {
        stop.abort();
        throw new BerthError('machine_unreachable', 'ssh was killed', 'x');
      });
      const { code, err } = await berth('probe', { list, signal: stop.signal });
      assert.equal(code, 130);
      assert.match(err, /\(interrupted\)/);
    });
  });

  describe('a question that --yes does not answer', () => {
    const list = probe(({ confirm }) => confirm('Sure?', 'local', '--purge-data=local'));

    it('is asked all the same, and names the flag that does', async () => {
      const { code, err } = await berth('probe --yes', { list });
      assert.equal(code, 64);
      assert.match(err, /Nobody is at a terminal.*\nnext: {2}say --purge-data=local to answer beforehand/);
      assert.equal((await berth('probe --yes', { list, terminal: true, typed: 'local\n' })).code, 0);
      assert.equal((await berth('probe --yes', { list, terminal: true, typed: 'yes\n' })).code, 1);
    });
  });

  describe('queue', () => {
    for (const [line, reason] of [
      ['queue retry', 'which task'],
      ['queue drop x', '"x" is no task'],
      ['queue retry 0', '"0" is no task'],
      ['queue retry 1.5', '"1.5" is no task'],
      ['queue drop 99999999999999999999', '"99999999999999999999" is no task'],
      ['queue clear', 'berth queue knows no "clear"'],
      ['queue list 7', 'berth queue knows no "list 7"'],
    ]) {
      it(`asks the machine nothing for ${line}`, async () => {
        const { code, err } = await berth(line as string);
        assert.equal(code, 64);
        assert.ok(err.includes(reason as string), err);
      });
    }
  });

  describe('down and destroy', () => {
    it('down stops a machine that runs, and leaves any other alone', async () => {
      assert.deepEqual((await berth('down')).asked, ['stop']);
      assert.deepEqual((await berth('down', { state: 'stopped' })).asked, []);
      assert.match((await berth('down', { state: 'absent' })).out, /There is no machine local/);
    });

    it('destroy wants the host’s name typed', async () => {
      assert.deepEqual((await berth('destroy', { terminal: true, typed: 'local\n' })).asked, ['destroy']);
      const { code, asked, err } = await berth('destroy', { terminal: true, typed: 'yes\n' });
      assert.deepEqual([code, asked], [1, []]);
      assert.match(err, /nothing was done/);
    });

    it('destroy takes the end of the input for a no', async () => {
      const { code, asked } = await berth('destroy', { terminal: true });
      assert.deepEqual([code, asked], [1, []]);
    });

    it('destroy --yes asks nothing and says what stays', async () => {
      const { asked, out } = await berth('destroy --yes');
      assert.deepEqual(asked, ['destroy']);
      assert.match(out, /provisioning\/hosts\/local\.yml and .* stay/);
    });
  });
});
