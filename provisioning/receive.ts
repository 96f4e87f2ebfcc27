import { diskFull } from './disk-full.ts';
import { BerthError, messageOf } from './errors.ts';
import { receive } from './uploads.ts';

process.umask(0o022);
// One archive on standard input; which one, in the arguments. It cannot be a verb: those read lines there.
const [app = '', digest = ''] = process.argv.slice(2);
try {
  if (!/^[a-z][a-z0-9-]*$/.test(app) || !/^[0-9a-f]{64}$/.test(digest)) {
    throw new BerthError('bad_request', `not an application and a SHA-256: ${app} ${digest}`, 'run: npm ci');
  }
  console.log(JSON.stringify({ type: 'result', ok: true, value: await receive({ app, digest }) }));
} catch (thrown) {
  const error = diskFull(thrown) ?? thrown;
  const { code, hint } =
    error instanceof BerthError ? error : { code: 'internal', hint: 'run the same command again' };
  console.log(
    JSON.stringify({ type: 'result', ok: false, error: { code, message: messageOf(error), hint } }),
  );
  process.exitCode = 1;
}
