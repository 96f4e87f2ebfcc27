import { BerthError } from '../errors.ts';

/** Process name → command line, as the Procfile says. */
export type Procfile = Record<string, string>;

/** What package.json says of an application, as far as it matters here. */
export type Manifest = { scripts: Record<string, string> };

/** @throws BerthError `procfile_invalid` where it is not JSON */
export function parseManifest(text: string | null): Manifest {
  try {
    const { scripts } = JSON.parse(text ?? '{}') as Partial<Manifest>;
    return { scripts: scripts ?? {} };
  } catch (cause) {
    throw new BerthError('procfile_invalid', 'package.json is not JSON', 'mend package.json', { cause });
  }
}

/**
 * The processes of an application: those of its Procfile, else `web: npm start`; `npm start` and `npm run <script>`
 * stand for what package.json says, so that a `node` in it is clustered.
 *
 * @throws BerthError `procfile_invalid`
 */
export function processesOf(procfile: string | null, manifest: Manifest): Procfile {
  if (procfile === null && manifest.scripts.start === undefined) {
    throw invalid('there is none, and package.json has no start script');
  }
  const processes = parseProcfile(procfile ?? 'web: npm start');
  return Object.fromEntries(
    Object.entries(processes).map(([name, command]) => [name, resolveScript(name, command, manifest)]),
  );
}

/**
 * Parses a Procfile: `name: command` lines; blank lines and `#` comments are skipped.
 *
 * @throws BerthError `procfile_invalid` with the line
 */
export function parseProcfile(text: string): Procfile {
  const processes: Procfile = {};
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const found = line.match(/^([a-z][a-z0-9_-]*):\s*(\S.*?)\s*$/i);
    if (!found) throw invalid(`line ${index + 1} is not "name: command": ${line}`);
    processes[found[1] as string] = found[2] as string;
  }
  if (!processes.web) throw invalid('it names no web process');
  return processes;
}

function resolveScript(name: string, command: string, manifest: Manifest, depth = 0): string {
  const found = command.match(/^npm (?:run(?:-script)? )?([\w:.-]+)(?: -- (.*))?$/);
  const script = found?.[1];
  if (script === undefined || (!/^npm run/.test(command) && script !== 'start')) return command;
  const text = manifest.scripts[script];
  if (text === undefined) throw invalid(`${name} runs ${command}, and package.json has no script ${script}`);
  if (depth > 8) throw invalid(`${name} runs ${command}, which leads back to itself in package.json`);
  return resolveScript(name, found?.[2] ? `${text} ${found[2]}` : text.trim(), manifest, depth + 1);
}

function invalid(what: string): BerthError {
  return new BerthError('procfile_invalid', `Procfile: ${what}`, 'write lines such as: web: node server.js');
}

export type Pm2Options = {
  app: string;
  release: number;
  procfile: Procfile;
  /** Process name → how many. */
  processes: Record<string, number>;
  cwd: string;
  /** The module that every Node process loads first; it moves the listen on PORT to the socket. */
  preload: string;
  socket: string;
  drainMs: number;
  startTimeoutMs: number;
  /** A process that has more is replaced. */
  memoryLimitMiB: number;
};

/** Never opened, see preload.mjs; the one that most frameworks take where none is given. */
const port = '3000';

export type Part = 'web' | 'workers';

/** Run once when they are asked for: `release` by a deploy, `queue` by `berth queue`. */
const oneOffs = ['release', 'queue'];

/** The processes that may run as often as wanted. */
export function runnable(procfile: Procfile): string[] {
  return Object.keys(procfile).filter((name) => !oneOffs.includes(name));
}

/** The processes of one part that run: `web` proves itself and takes requests, all others follow the flip. */
export function runningIn(part: Part, procfile: Procfile, processes: Record<string, number>): string[] {
  return runnable(procfile).filter(
    (name) => (name === 'web') === (part === 'web') && (processes[name] ?? 0) > 0,
  );
}

/**
 * pm2's configuration of one part of a release. `node [flags] file` of web is clustered, so that its processes share
 * the release's socket; anything else is forked: one process for web, since each would want the socket for itself.
 * Those that are run once are left out.
 */
export function pm2Configuration(
  part: Part,
  { app, release, procfile, processes, cwd, preload, socket, ...options }: Pm2Options,
) {
  const { drainMs, startTimeoutMs, memoryLimitMiB } = options;
  return {
    apps: runningIn(part, procfile, processes).map((name) => ({
      name: name === 'web' ? app : `${app}-${name}`,
      cwd,
      ...launch({
        name,
        command: procfile[name] as string,
        count: processes[name] as number,
        preload,
        release,
      }),
      // As on Heroku, the web process alone is told where to listen.
      env: name === 'web' ? { PORT: port, BERTH_SOCKET: socket, BERTH_QUIET_MS: `${quietMs(drainMs)}` } : {},
      kill_timeout: drainMs,
      // A clustered process goes on until its replacement listens; this is as long as a release may take for it.
      max_memory_restart: `${memoryLimitMiB}M`,
      listen_timeout: startTimeoutMs,
      // Never gives up: with a back-off that grows to 15 s, and no count that ends it.
      exp_backoff_restart_delay: 100,
      max_restarts: 1_000_000_000,
      autorestart: true,
      out_file: '/dev/null',
      error_file: '/dev/null',
      vizion: false,
      automation: false,
      pmx: false,
    })),
  };
}

/** How much of the drain may pass before the application hears of its end: it has the rest to finish by itself. */
function quietMs(drainMs: number): number {
  return Math.max(drainMs - 10_000, Math.floor(drainMs / 2));
}

/** Flags of node whose value may be the next word. */
const flagsWithValue = new Set([
  ...['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions'],
  ...['--env-file', '--env-file-if-exists', '--title', '--max-http-header-size'],
]);

/** Where `node [flags] file [arguments]` names its file among the words; -1: the command is another one. */
function fileIn(command: string): number {
  const words = command.split(/\s+/);
  // Quotes, variables or redirections need a shell, and so does any other program.
  if (words[0] !== 'node' || /["'$`|&;<>()\\*?]/.test(command)) return -1;
  const file = words.findIndex(
    (word, index) => index > 0 && !word.startsWith('-') && !flagsWithValue.has(words[index - 1] as string),
  );
  // Without its ending it is Node's own to find.
  return /\.[cm]?[jt]s$/.test(words[file] ?? '') ? file : -1;
}

/** Whether several processes can share one socket. */
export function isClustered(command: string): boolean {
  return fileIn(command) >= 0;
}

type Launch = { name: string; command: string; count: number; preload: string; release: number };

/**
 * Only web is clustered, to share its socket. pm2 would hand on the output of what it forks line by line and as its
 * own, so that each such process gets a stream of its own to the journal, which says whose it is.
 */
function launch({ name, command, count, preload, release }: Launch) {
  const file = fileIn(command);
  const words = command.split(/\s+/);
  if (name === 'web' && file >= 0) {
    return {
      script: words[file] as string,
      node_args: [`--import=${preload}`, ...words.slice(1, file)],
      args: words.slice(file + 1),
      exec_mode: 'cluster',
      instances: count,
    };
  }
  const argv = file < 0 ? shell(command, preload) : ['node', `--import=${preload}`, ...words.slice(1)];
  return {
    script: '/usr/bin/systemd-cat',
    args: [`--identifier=${name}@v${release}`, ...argv],
    interpreter: 'none',
    exec_mode: 'fork',
    instances: name === 'web' ? 1 : count,
  };
}

/** Node takes the preload from its environment wherever the shell starts it, beside what the application's own says. */
function shell(command: string, preload: string): string[] {
  const options = `export NODE_OPTIONS="--import=${preload} \${NODE_OPTIONS-}"`;
  return ['/bin/sh', '-c', `${options}; ${shellCommand(command)}`];
}

/** For `sh`: a single program takes the shell's place, so that signals reach it. */
export function shellCommand(command: string): string {
  return /^\w+=|[|&;<>()`]/.test(command) ? command : `exec ${command}`;
}
