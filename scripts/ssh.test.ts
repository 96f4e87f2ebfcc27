import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { remote } from './ssh.ts';

const reach = { alias: 'box', firstUser: 'root', names: ['10.77.0.2'] };

/** An `ssh` that runs its last argument as the other side's login shell does. */
const localSsh = '#!/bin/sh\nfor command; do :; done\nexec sh -c "$command"\n';

describe('remote', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-ssh-'));
  const path = process.env.PATH;

  function fakeSsh(script: string): void {
    writeFileSync(join(directory, 'ssh'), script);
    chmodSync(join(directory, 'ssh'), 0o755);
  }

  beforeEach(() => {
    process.env.PATH = `${directory}:${path}`;
    fakeSsh(localSsh);
  });
  afterEach(() => {
    process.env.PATH = path;
  });
  after(() => rmSync(directory, { recursive: true }));

  it('gives whole lines as they come, the last one also without its newline', async () => {
    const lines: string[] = [];
    await remote(reach, 'deploy', ['printf', 'one\\ntwo ü\\nthree'], { onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ['one', 'two ü', 'three']);
  });

  it('gives the exit code and the end of standard error', async () => {
    const result = await remote(reach, 'deploy', ['sh', '-c', 'echo "it broke" >&2; exit 7']);
    assert.deepEqual(result, { code: 7, stderr: 'it broke\n' });
  });

  it('sends a text or a stream and then the end of it', async () => {
    for (const input of ['a\nb\n', Readable.from(['a\n', 'b\n'])]) {
      const lines: string[] = [];
      await remote(reach, 'deploy', ['cat'], { input, onLine: (line) => lines.push(line) });
      assert.deepEqual(lines, ['a', 'b']);
    }
  });

  it('does not mind a command that ends without reading its input', async () => {
    assert.equal((await remote(reach, 'deploy', ['true'], { input: 'x'.repeat(1_000_000) })).code, 0);
  });

  it('keeps standard input open when told so', async () => {
    const lines: string[] = [];
    // `read` succeeds twice only if the input has not ended between the two.
    const script =
      'read first; echo "$first"; if read -t 0.3 second; then echo more; else echo "status $?"; fi';
    await remote(reach, 'deploy', ['bash', '-c', script], {
      input: 'go\n',
      holdInput: true,
      onLine: (line) => lines.push(line),
    });
    assert.equal(lines[0], 'go');
    assert.ok(Number(lines[1]?.replace('status ', '')) > 128, 'read timed out rather than met the end');
  });

  it('does not wait for the end of an input that stays open', async () => {
    const input = new PassThrough();
    input.write('go\n');
    const lines: string[] = [];
    await remote(reach, 'deploy', ['head', '-n', '1'], {
      input,
      holdInput: true,
      onLine: (line) => lines.push(line),
    });
    assert.deepEqual(lines, ['go']);
  });

  it('leaves no process behind when it is aborted', async () => {
    const stop = new AbortController();
    let pid = '';
    const run = remote(reach, 'deploy', ['sh', '-c', 'sleep 600 & echo $!; wait'], {
      signal: stop.signal,
      onLine(line) {
        pid = line;
        stop.abort();
      },
    });
    await assert.rejects(run, { name: 'AbortError' });
    assert.ok(!alive(pid));
  });

  it('gives up after its time', async () => {
    await assert.rejects(remote(reach, 'deploy', ['sleep', '600'], { timeoutMs: 50 }), {
      code: 'command_timeout',
      message: /^sleep on box/,
    });
  });

  it('passes on what a line’s reader throws, and ends ssh', async () => {
    const onLine = () => {
      throw new Error('unreadable');
    };
    await assert.rejects(remote(reach, 'deploy', ['sh', '-c', 'echo; sleep 600'], { onLine }), /unreadable/);
  });

  it('tells a failure of ssh from one of the command', async () => {
    assert.equal((await remote(reach, 'deploy', ['sh', '-c', 'exit 255'])).code, 255);
    fakeSsh('#!/bin/sh\necho "ssh: connect to host 10.77.0.2 port 22: Connection refused" >&2\nexit 255\n');
    await assert.rejects(remote(reach, 'deploy', ['true']), { code: 'machine_unreachable' });
  });

  it('says so when there is no ssh', async () => {
    process.env.PATH = join(directory, 'empty');
    await assert.rejects(remote(reach, 'deploy', ['true']), { code: 'program_missing' });
  });
});

/** Whether the process runs; one that has ended and was not yet collected does not. */
function alive(pid: string): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}
