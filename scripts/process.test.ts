import assert from 'node:assert/strict';
import { lastLines, run, runChecked } from './process.ts';

describe('run', () => {
  it('gives both outputs and the exit code', async () => {
    const result = await run(['sh', '-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' });
    assert.deepEqual(result, { stdout: 'hello', stderr: 'oops\n', code: 3 });
  });

  it('gives 128 + the number of the signal that ended a program', async () => {
    assert.equal((await run(['sh', '-c', 'kill -TERM $$'])).code, 143);
  });

  it('passes arguments as they are, without a shell', async () => {
    assert.equal((await run(['printf', '%s', '$HOME `id` "x"'])).stdout, '$HOME `id` "x"');
  });

  it('does not mind a program that ends without reading its input', async () => {
    assert.equal((await run(['true'], { input: 'x'.repeat(1_000_000) })).code, 0);
  });

  it('hands on whole lines as they come', async () => {
    const lines: string[] = [];
    await run(['sh', '-c', 'printf "a\\nb"; printf "c\\rd\\n"'], { onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ['a', 'bc', 'd']);
  });

  it('names a program that is not there', async () => {
    await assert.rejects(run(['no-such-program-here']), { code: 'program_missing' });
  });

  it('stops a program that takes too long', async () => {
    await assert.rejects(run(['sleep', '30'], { timeoutMs: 50 }), { code: 'command_timeout' });
  });

  it('stops a program when asked to, with the reason given', async () => {
    const reason = new Error('enough');
    await assert.rejects(run(['sleep', '30'], { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
    await assert.rejects(run(['sleep', '30'], { signal: AbortSignal.abort(reason) }), reason);
  });
});

describe('runChecked', () => {
  it('throws the end of what a failing program said', async () => {
    await assert.rejects(runChecked(['sh', '-c', 'echo bad luck >&2; exit 9']), {
      code: 'command_failed',
      message: /code 9:\nbad luck$/,
    });
  });
});

describe('lastLines', () => {
  it('skips blank lines', () => {
    assert.equal(lastLines('a\n\nb\n \nc\n', 2), 'b\nc');
  });
});
