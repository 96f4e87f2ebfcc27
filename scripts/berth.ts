import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
// Before the imports that it is to speed up: `--help` takes half the time.
enableCompileCache(join(root, 'node_modules/.cache/berth'));
const { run } = await import('./cli.ts');
const { EXIT } = await import('./exit-codes.ts');
const { processIo } = await import('./io.ts');
const { openMachine } = await import('./open-machine.ts');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one is from somebody who will not wait for what the first one asked for.
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort();
  });
}
const io = processIo(() => stop.abort());
process.exit(await run(process.argv.slice(2), io, { root, signal: stop.signal, openMachine }));
