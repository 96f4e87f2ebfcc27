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
const code = await run(process.argv.slice(2), io, { root, signal: stop.signal, openMachine });
// What a slow reader has not taken yet would be lost with this process.
for (const output of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => output.write('', () => resolve()));
}
process.exit(code);
