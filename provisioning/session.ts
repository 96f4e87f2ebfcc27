import { createInterface } from 'node:readline';
import { diskFull } from './disk-full.ts';
import { BerthError, messageOf } from './errors.ts';
import type { ErrorView, Event } from './events.ts';
import { createHost } from './host.ts';
import { announceRun, type RunEnd } from './notify.ts';
import { openRun, pruneRuns } from './runs.ts';
import { verbs } from './verbs.ts';

/** The first line of standard input: what to do. A later line `stop` asks to end after the change in hand. */
export type Request = {
  verb: string;
  input: unknown;
  /** Present for what changes the machine; see `RunInfo`. */
  run?: { id: string; by: string };
};

type Operator = { stop: AbortSignal; gone: Promise<void> };

/**
 * Answers one request: events on standard output, one JSON object a line, ended by one `result`. The operator's
 * connection may go away meanwhile: a run goes on to its end, and its events are kept.
 */
export async function main(): Promise<number> {
  // A reader that is gone must not end a run half way.
  process.stdout.on('error', () => {});
  let record = (_event: Event) => {};
  let announce = async (_outcome: RunEnd['outcome']) => {};
  const host = createHost();
  const emit = (event: Event) => {
    record(event);
    process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  try {
    const { request, stop, gone } = await readRequest();
    if (request.run) {
      const run = openRun({
        ...request.run,
        verb: request.verb,
        since: new Date().toISOString(),
        orphaned: false,
      });
      record = run.record;
      void gone.then(run.orphan);
      const { verb, input } = request;
      const { by } = request.run;
      announce = (outcome) => announceRun(host, { verb, by, input: input as RunEnd['input'], outcome });
    }
    const handle = verbs[request.verb];
    if (!handle) throw badRequest(`the machine's side knows no verb ${request.verb}`);
    const value = await handle(request.input, { host, emit, stop });
    if (request.run) await pruneRuns();
    await announce({ ok: true, value });
    emit({ type: 'result', ok: true, value });
    return 0;
  } catch (error) {
    const view = viewError(error);
    await announce({ ok: false, code: view.code });
    emit({ type: 'result', ok: false, error: view });
    return 1;
  } finally {
    process.stdin.destroy();
  }
}

function readRequest(): Promise<Operator & { request: Request }> {
  const lines = createInterface({ input: process.stdin });
  const stop = new AbortController();
  const gone = new Promise<void>((resolve) => lines.once('close', resolve));
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      lines.on('line', (later) => later === 'stop' && stop.abort());
      try {
        resolve({ request: JSON.parse(line) as Request, stop: stop.signal, gone });
      } catch (error) {
        reject(badRequest('the request is not JSON', error));
      }
    });
    void gone.then(() => reject(badRequest('there was no request')));
  });
}

function badRequest(message: string, cause?: unknown): BerthError {
  return new BerthError('bad_request', message, 'run npm ci and the same command again', { cause });
}

function viewError(thrown: unknown): ErrorView {
  const error = thrown instanceof BerthError ? thrown : (diskFull(thrown) ?? thrown);
  if (error instanceof BerthError) return { code: error.code, message: error.message, hint: error.hint };
  const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { code: 'internal', message, hint: 'this is a defect of Berth: please report it with this text' };
}
