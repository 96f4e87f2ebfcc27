import { createInterface } from 'node:readline';
import { diskFull } from './disk-full.ts';
import { BerthError, messageOf } from './errors.ts';
import type { ErrorView, Event } from './events.ts';
import { begun, finished, type Outcome } from './history.ts';
import { createHost, type Host } from './host.ts';
import { announceRun, type RunEnd } from './notify.ts';
import { welcome } from './operators.ts';
import { openRun, originOf, pruneRuns, type RunInfo } from './runs.ts';
import { inShort, showing, type Verb, type VerbContext, verbs } from './verbs.ts';
import { keepVersion, requireVersion } from './version.ts';

/** The first line of standard input: what to do. A later line `stop` asks to end after the change in hand. */
export type Request = {
  verb: string;
  input: unknown;
  /** The operator's side's own; left out by what begins on the machine, whose code is what it was last applied with. */
  version?: string;
  /** Present for what changes the machine; see `RunInfo`. */
  run?: { id: string; by: string };
};

type Operator = { stop: AbortController; gone: Promise<void> };
type Emit = (event: Event) => void;

/**
 * Answers one request: events on standard output, one JSON object a line, ended by one `result`. The operator's
 * connection may go away meanwhile: a run goes on to its end, and its events are kept.
 */
export async function main(): Promise<number> {
  // A reader that is gone must not end a run half way.
  process.stdout.on('error', () => {});
  let record: Emit = () => {};
  const emit: Emit = (event) => {
    record(event);
    process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  const host = createHost();
  let end = async (_outcome: Outcome) => {};
  let outcome: Outcome;
  try {
    const { request, ...operator } = await readRequest();
    if (request.run) {
      const run = await runOf(request, request.run);
      record = begin(run, operator);
      end = (outcome) => finish(host, run, request.input, outcome);
    }
    // Before anything is waited for: the apply of another checkout takes this code away.
    const handle = await load(request.verb);
    await welcome(host, originOf(process.env).from);
    const context = { host, emit, stop: operator.stop.signal, gone: operator.gone };
    outcome = { ok: true, value: await answer(handle, request, context) };
  } catch (error) {
    outcome = { ok: false, error: viewError(error) };
  }
  await end(outcome);
  emit({ type: 'result', ...outcome });
  process.stdin.destroy();
  return outcome.ok ? 0 : 1;
}

async function load(verb: string): Promise<Verb> {
  const handle = await verbs[verb]?.();
  if (!handle) throw badRequest(`the machine's side knows no verb ${verb}`);
  return handle;
}

async function answer(
  handle: Verb,
  { verb, input, version, run }: Request,
  context: VerbContext,
): Promise<unknown> {
  const { host } = context;
  if (version !== undefined && !showing.has(verb)) {
    await requireVersion(host, version);
    if (run) await keepVersion(host, version);
  }
  return handle(input, context);
}

async function runOf({ verb, input }: Request, { id, by }: { id: string; by: string }): Promise<RunInfo> {
  const { app } = Object(input) as { app?: unknown };
  const what = { app: typeof app === 'string' ? app : null, what: await inShort(verb, input) };
  return {
    id,
    verb,
    ...what,
    by,
    ...originOf(process.env),
    since: new Date().toISOString(),
    orphaned: false,
  };
}

/** From here on others are told who holds the machine, and `berth unlock` may ask the run to stop. */
function begin(run: RunInfo, { stop, gone }: Operator): Emit {
  const { record, orphan } = openRun(run);
  begun(run);
  process.on('SIGTERM', () => stop.abort());
  void gone.then(orphan);
  return record;
}

/** The one place that every run passes at its end. What goes wrong here cannot change how it ended. */
async function finish(host: Host, run: RunInfo, input: unknown, outcome: Outcome): Promise<void> {
  try {
    // Where this run has taken Berth away, nothing is to come back.
    if (!(await host.stat('/var/lib/berth'))) return;
    finished(run, outcome);
    await pruneRuns();
    const end = outcome.ok ? outcome : { ok: false as const, code: outcome.error.code };
    await announceRun(host, { verb: run.verb, by: run.by, input: input as RunEnd['input'], outcome: end });
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
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
        resolve({ request: JSON.parse(line) as Request, stop, gone });
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
