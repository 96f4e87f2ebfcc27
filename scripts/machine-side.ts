import { createReadStream } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import manifest from '../package.json' with { type: 'json' };
import { BerthError } from '../provisioning/errors.ts';
import type { Event } from '../provisioning/events.ts';
import { newRunId } from '../provisioning/ids.ts';
import type { RunInfo } from '../provisioning/runs.ts';
import type { Context } from './command.ts';
import { asRoot, type ConnectOptions, connectAs } from './entrance.ts';
import { holderText } from './holder.ts';
import type { Reach } from './machines/machine.ts';
import { atAnyPort } from './ports.ts';
import { type Piece, packBaggage } from './prepare.ts';
import { remote } from './ssh.ts';

/** The program on the machine, as the operator's side talks to it. */
export type MachineSide = {
  /** The names of the directories on the machine that hold its code, Node and pm2, and the pages. */
  readonly code: string;
  readonly runtime: string;
  readonly web: string;
  /** `user@computer` of the person here. */
  readonly by: string;
  /**
   * Asks one thing; events go to `onEvent` as they come. Rejects with the BerthError of the machine's side.
   * `hold` keeps our end open until the answer, so that the machine's side notices when we are gone.
   */
  ask<T>(verb: string, input: unknown, onEvent?: OnEvent, options?: { hold: boolean }): Promise<T>;
  /** As `ask`, by a new login as the admin user and nobody else. */
  askAnew<T>(verb: string, input: unknown, timeoutMs: number): Promise<T>;
  /**
   * As `ask`, for what changes the machine: one such run at a time, and it outlives a lost connection.
   * Ctrl-C asks it to stop after the change in hand. Throws `locked` beside somebody else's.
   */
  change<T>(verb: string, input: unknown, onEvent: OnEvent): Promise<T>;
  /** Sends an archive to an application's incoming directory. */
  upload(app: string, archive: { path: string; digest: string }): Promise<void>;
};

export type OnEvent = (event: Event) => void;

type Said = { outcome?: Extract<Event, { type: 'result' }>; events: number; stderr: string };

type Conversation = Omit<ConnectOptions, 'onLine'> & { argv: string[]; onEvent?: OnEvent | undefined };

/** Exit codes of the scripts below: what the machine lacks. */
const lacks: Record<Piece, number> = { code: 90, runtime: 91, web: 92 };
const reattachForMs = 90_000;
const { version } = manifest;

/** For what has nothing to do with the pages, and is not to wait for them. */
const unasked = '-';

// $1 code, $2 runtime, $3 pages, $4 description, $5 program, and the program's own. Values never become part of this text.
const begin = `c=/opt/berth/sources/$1 r=/opt/berth/runtime/$2 w=/opt/berth/web/$3 d=$4 m=$5 f=\${SSH_CONNECTION%% *}
${asRoot}
# A password is best asked for before anything is under way.
[ -e "$r/.complete" ] || { $s true || exit; exit ${lacks.runtime}; }
[ -e "$c/.complete" ] || exit ${lacks.code}
[ "$3" = ${unasked} ] || [ -e "$w/.complete" ] || exit ${lacks.web}
shift 5`;
const directly = `${begin}
exec $s env NODE_COMPILE_CACHE=/var/cache/berth BERTH_FROM="$f" "$r/bin/node" "$c/provisioning/$m" "$@"`;
const asUnit = `${begin}
u=$(id -un)
exec $s systemd-run --quiet --pipe --wait --collect --service-type=exec --unit=berth-run --description="$d" \
  --setenv=HOME=/root --setenv=NODE_COMPILE_CACHE=/var/cache/berth --setenv=BERTH_FROM="$f" --setenv=BERTH_USER="$u" \
  "$r/bin/node" "$c/provisioning/$m" "$@"`;

export async function openMachineSide(context: Context): Promise<MachineSide> {
  const { signal, report } = context;
  const reach = await context.reach();
  const { admin } = await context.settings();
  const connect = connectAs(context, reach, [admin.user, reach.firstUser]);
  const { code, runtime, web, send } = await packBaggage(context, connect);
  const by = `${userInfo().username}@${hostname()}`.replace(/[^\w.@-]/g, '_');
  const command = (script: string, description: string, pages: string, ...program: string[]) => {
    return ['sh', '-c', script, 'berth', code.id, runtime.id, pages, description, ...program];
  };
  const verbCommand = (script: string, description: string, input: unknown) => {
    const pages = typeof input === 'object' && input !== null && 'web' in input ? web.id : unasked;
    return command(script, description, pages, 'main.ts');
  };

  async function askAnew<T>(verb: string, input: unknown, timeoutMs: number) {
    const said = nothingSaid();
    const request = { input: `${JSON.stringify({ verb, input, version })}\n`, signal, timeoutMs };
    const onLine = (line: string) => take(said, line);
    const argv = verbCommand(directly, '', input);
    const login = (at: Reach) => remote(at, admin.user, argv, { ...request, onLine });
    said.stderr = (await atAnyPort(reach, login)).stderr;
    return outcomeOf(said) as T;
  }

  async function converse(said: Said, { argv, onEvent, ...options }: Conversation): Promise<Said> {
    const onLine = (line: string) => take(said, line, onEvent);
    let result = await connect(argv, { ...options, onLine });
    for (const piece of ['runtime', 'code', 'web'] as const) {
      if (result.code !== lacks[piece]) continue;
      await send(piece);
      result = await connect(argv, { ...options, onLine });
    }
    said.stderr = result.stderr;
    return said;
  }

  async function ask<T>(verb: string, input: unknown, onEvent?: OnEvent, { hold } = { hold: false }) {
    const argv = verbCommand(directly, '', input);
    const request = () => `${JSON.stringify({ verb, input, version })}\n`;
    const options = { argv, input: request, holdInput: hold, onEvent, signal };
    return outcomeOf(await converse(nothingSaid(), options)) as T;
  }

  async function change<T>(verb: string, input: unknown, onEvent: OnEvent): Promise<T> {
    const run = { id: newRunId(), by };
    const said = nothingSaid();
    const stdin = stoppable(`${JSON.stringify({ verb, input, version, run })}\n`);
    const stop = () => {
      report.note('stops after the change in hand; Ctrl-C once more leaves it to the machine');
      stdin.stop();
    };
    signal.throwIfAborted();
    signal.addEventListener('abort', stop);
    try {
      const argv = verbCommand(asUnit, `berth ${verb} by ${by}`, input);
      await converse(said, { argv, input: stdin.open, holdInput: true, onEvent });
      if (said.outcome || !isHeld(said.stderr)) return outcomeOf(said) as T;
    } catch (error) {
      if (!lost(error) || said.events === 0) throw error;
      return await reattach<T>(run.id, said.events, onEvent);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    await outlast(onEvent);
    return change<T>(verb, input, onEvent);
  }

  /** The connection broke: the run goes on, so its events are read on where they stopped. */
  async function reattach<T>(id: string, from: number, onEvent: OnEvent): Promise<T> {
    report.note('the connection broke; the machine goes on, connecting anew');
    const deadline = Date.now() + reattachForMs;
    let next = from;
    const count: OnEvent = (event) => {
      next += 1;
      onEvent(event);
    };
    for (;;) {
      try {
        return await ask<T>('attach', { id, from: next }, count);
      } catch (error) {
        if (!lost(error) || Date.now() > deadline) throw error;
        await wait(500, undefined, { signal });
      }
    }
  }

  /** Another run holds the machine: waits for one whose operator is gone, refuses beside any other. */
  async function outlast(onEvent: OnEvent): Promise<void> {
    const holder = await ask<RunInfo | null>('holder', null);
    if (!holder) return;
    if (!holder.orphaned) throw locked(context.flags.host, holder);
    const progress: OnEvent = (event) => event.type === 'progress' && onEvent(event);
    await report.step(`waits for the ${holderText(holder)} and left`, () =>
      // How it ends is not ours to judge: our own run asks the machine anew.
      ask('attach', { id: holder.id, from: 0 }, progress).catch((error) => {
        if (lost(error) || signal.aborted) throw error;
      }),
    );
  }

  return {
    code: code.id,
    runtime: runtime.id,
    web: web.id,
    by,
    ask,
    askAnew,
    change,
    async upload(app, { path, digest }) {
      const argv = command(directly, '', unasked, 'receive.ts', app, digest);
      outcomeOf(await converse(nothingSaid(), { argv, input: () => createReadStream(path), signal }));
    },
  };
}

function nothingSaid(): Said {
  return { events: 0, stderr: '' };
}

/** A standard input that stays open after its first line, and can say `stop`. */
function stoppable(firstLine: string): { open: () => Readable; stop: () => void } {
  let stream = new PassThrough();
  return {
    open() {
      stream = new PassThrough();
      stream.write(firstLine);
      return stream;
    },
    stop: () => stream.write('stop\n'),
  };
}

function take(said: Said, line: string, onEvent?: OnEvent): void {
  if (!line.startsWith('{')) return; // a login banner or the like
  const event = JSON.parse(line) as Event;
  if (event.type === 'result') said.outcome = event;
  else {
    said.events += 1;
    onEvent?.(event);
  }
}

function outcomeOf({ outcome, stderr }: Said): unknown {
  if (outcome?.ok) return outcome.value;
  if (outcome) throw new BerthError(outcome.error.code, outcome.error.message, outcome.error.hint);
  throw new BerthError(
    'run_died',
    `the machine's side ended without a result${stderr.trim() ? `:\n${stderr.trim()}` : ''}`,
    'run the same command again: it goes on from where that one stopped',
  );
}

/** What systemd-run says where the unit is there already. */
function isHeld(stderr: string): boolean {
  return /already loaded|already exists|has a fragment file/.test(stderr);
}

function lost(error: unknown): boolean {
  return error instanceof BerthError && ['connection_lost', 'machine_unreachable'].includes(error.code);
}

function locked(host: string, holder: RunInfo): BerthError {
  return new BerthError(
    'locked',
    `${host} is held by the ${holderText(holder)}`,
    'wait until it is done, then run the same command again; berth unlock ends it',
  );
}
