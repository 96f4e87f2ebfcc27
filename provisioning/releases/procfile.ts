import { BerthError } from '../errors.ts';

/** Process name → command line, as the Procfile says. */
export type Procfile = Record<string, string>;

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
  /** The module that every Node process loads first. */
  preload: string;
  drainMs: number;
};

export type Part = 'web' | 'workers';

/** The processes of one part that run: `web` proves itself and takes requests, all others follow the flip. */
export function runningIn(part: Part, procfile: Procfile, processes: Record<string, number>): string[] {
  return Object.keys(procfile).filter(
    (name) => name !== 'release' && (name === 'web') === (part === 'web') && (processes[name] ?? 0) > 0,
  );
}

/**
 * pm2's configuration of one part of a release. `node [flags] file` of web is clustered, so that its processes share
 * the release's socket; anything else is forked: one process for web, since each would want the socket for itself.
 * `release` is not a running process.
 */
export function pm2Configuration(
  part: Part,
  { app, release, procfile, processes, cwd, preload, drainMs }: Pm2Options,
) {
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
      kill_timeout: drainMs,
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

/** Where `node [flags] file [arguments]` names its file among the words; -1: the command is another one. */
function fileIn(command: string): number {
  const words = command.split(/\s+/);
  // Quotes, variables or redirections need a shell, and so does any other program.
  if (words[0] !== 'node' || /["'$`|&;<>()\\]/.test(command)) return -1;
  return words.findIndex((word, index) => index > 0 && !word.startsWith('-'));
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
  const argv =
    file < 0 ? ['/bin/sh', '-c', `exec ${command}`] : ['node', `--import=${preload}`, ...words.slice(1)];
  return {
    script: '/usr/bin/systemd-cat',
    args: [`--identifier=${name}@v${release}`, ...argv],
    interpreter: 'none',
    exec_mode: 'fork',
    instances: name === 'web' ? 1 : count,
  };
}
