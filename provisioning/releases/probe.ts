export type Answer = { status: number; body: string };

/** One GET over a release's own socket, its body as far as `maxLength`. Rejects when no whole answer has come within `timeoutMs`, whatever came. */
export async function get(
  socketPath: string,
  path: string,
  timeoutMs: number,
  maxLength = 4096,
): Promise<Answer> {
  // Loading it takes as long as a fifth of all the rest, and most runs ask nobody.
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', connection: 'close' };
    const asked = request({ socketPath, path, headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        body = (body + text).slice(0, maxLength);
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      answer.on('error', reject);
    });
    const giveUp = (error: Error) => {
      clearTimeout(timer);
      asked.destroy();
      reject(error);
    };
    const timer = setTimeout(() => giveUp(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.on('upgrade', () => giveUp(new Error('101 where an answer was asked for')));
    asked.on('error', giveUp);
    asked.on('close', () => giveUp(new Error('the connection ended before the answer did')));
    asked.end();
  });
}
