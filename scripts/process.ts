import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { BerthError } from '../provisioning/errors.ts';

export type RunOptions = {
  /** Written to standard input, which is empty otherwise. */
  input?: string | Uint8Array;
  /** After this the program is killed and BerthError `command_timeout` thrown; default: no limit. */
  timeoutMs?: number;
  /** Kills the program and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Added to this process's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Called with each line of standard output and standard error as it comes. */
  onLine?: (line: string) => void;
};

export type RunResult = {
  stdout: string;
  stderr: string;
  /** The exit code; 128 + the signal's number where a signal ended it, as a shell says it. */
  code: number;
};

/**
 * Runs a program of this computer to its end, without a shell, and resolves whatever its exit code is.
 * Throws BerthError `program_missing` where there is no such program, `command_timeout` after `timeoutMs`.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const deadline = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  const stop = AbortSignal.any([options.signal, deadline].filter((signal) => signal !== undefined));
  stop.throwIfAborted();
  try {
    return await collect(argv, options, stop);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (deadline?.aborted) throw timeout(argv, options.timeoutMs);
    throw asMissing(argv, error);
  }
}

/** As `run`, but an exit code other than 0 throws BerthError `command_failed` with the end of what it said. */
export async function runChecked(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(argv, options);
  if (result.code === 0) return result;
  const said = lastLines(result.stderr.trim() === '' ? result.stdout : result.stderr, 10);
  throw new BerthError(
    'command_failed',
    `${shown(argv)} ended with code ${result.code}${said === '' ? '' : `:\n${said}`}`,
    'read what it said above; run the same berth command again once the cause is gone',
  );
}

/** The last `count` lines of `text` that are not blank. */
export function lastLines(text: string, count: number): string {
  const lines = text.split(/\r?\n|\r/).filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}

function collect(argv: readonly string[], options: RunOptions, stop: AbortSignal): Promise<RunResult> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      signal: stop,
      killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      const take = options.onLine === undefined ? undefined : lineSplitter(options.onLine);
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        take?.(text);
      });
    }
    // A program may end without having read its input (EPIPE): its exit code is what counts.
    child.stdin?.on('error', () => {}).end(options.input);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ ...output, code: code ?? 128 + signalNumber(signal) }));
  });
}

/** Takes text in any pieces and hands on whole lines; a carriage return ends one too (progress meters). */
function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  };
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : (constants.signals[signal] ?? 0);
}

function timeout(argv: readonly string[], timeoutMs: number | undefined): BerthError {
  return new BerthError(
    'command_timeout',
    `${shown(argv)} was still running after ${(timeoutMs ?? 0) / 1000} s and was stopped`,
    'run the same berth command again; if it happens again, run the program by hand to see where it waits',
  );
}

function asMissing(argv: readonly string[], error: unknown): unknown {
  const failed = error as NodeJS.ErrnoException;
  if (failed.code !== 'ENOENT' || !failed.syscall?.startsWith('spawn')) return error;
  return new BerthError(
    'program_missing',
    `the program ${argv[0]} is not installed on this computer`,
    `install ${argv[0]} and run the same berth command again`,
    { cause: error },
  );
}

/** The command as a person would recognise it, without a long tail. */
function shown(argv: readonly string[]): string {
  const text = argv.join(' ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
