import type { Settings } from '../provisioning/settings.ts';
import type { Io } from './io.ts';
import type { Machine, Reach } from './machines/machine.ts';
import type { Renderer } from './render.ts';
import type { AutoKind, HostFile } from './settings.ts';

/** One line of `commands/index.ts`; the rest of a command is loaded when its word is typed. */
export type Entry = {
  word: string;
  /** The heading under which `berth --help` lists it. */
  group: string;
  /** One line, at most 60 characters. */
  summary: string;
  load(): Promise<{ command: Command }>;
};

/** What `commands/<word>.ts` exports as `command`. */
export type Command = {
  /** `[name]`, `<name>` or `[name...]`, as commander writes them, each with its meaning. */
  arguments?: [name: string, meaning: string][];
  /** `-f, --follow` or `--since <age>`, as commander writes them, each with its meaning and default. */
  options?: [flags: string, meaning: string, fallback?: string][];
  /** Command lines that work as they stand, each with what it does. */
  examples: [line: string, what: string][];
  /** Does the work and returns the exit code (`exit-codes.ts`). A failure is thrown as a BerthError. */
  run(context: Context, input: Input): Promise<number>;
};

/** What was typed after the word. */
export type Input = {
  /** Positional arguments, also those after `--`. */
  args: string[];
  /** By the option's long name in camelCase; a flag without a value is `true`. */
  options: Record<string, string | true | undefined>;
};

export type Flags = {
  /** `--host`, else `BERTH_HOST`, else the only hosts file, else `local`; may be several, `a,b`, see `Context.hosts`. */
  host: string;
  /** `--all`: `host` names every hosts file, and a container that was never made is left out. */
  all: boolean;
  /** `--app`, else `BERTH_APP`, else undefined: the only application of the hosts file. */
  app: string | undefined;
  json: boolean;
  yes: boolean;
  verbose: boolean;
  /** What `machine.kind: auto` stands for where there is no machine yet; default: a container. */
  machine?: AutoKind | undefined;
};

/** What a command works with. */
export type Context = {
  io: Io;
  flags: Flags;
  report: Renderer;
  /** The checkout, absolute. */
  root: string;
  /** Where this computer keeps machines, keys and caches: `BERTH_STATE`, else `<root>/.berth`. */
  stateDirectory: string;
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  signal: AbortSignal;
  /**
   * Returns once the person has typed `answer`. Throws `confirmation_needed` without a terminal, and
   * `confirmation_declined` when something else was typed. `--yes` answers for the person, unless another flag of the
   * command is named that does so `instead`.
   */
  confirm(question: string, answer?: string, instead?: string): Promise<void>;
  /** Runs what asks the person something while nobody else of this run does: several hosts share one terminal. */
  turn<T>(ask: () => Promise<T>): Promise<T>;
  /** What is to be closed when the run is over, however it ends. */
  atEnd(close: () => Promise<void>): void;
  /** The hosts that `--host` or `--all` names; what follows is about the only one, and throws `wrong_usage` beside others. */
  hosts: string[];
  /** The same for one of the hosts, with progress lines of its own where there are several (`fleet.ts`). */
  forHost(name: string): Context;
  /** The same with what `machine.kind: auto` stands for where there is no machine yet. */
  onMachine(kind: AutoKind | undefined): Context;
  /** The chosen host's file, parsed and validated; read once. Throws `unknown_host`, `settings_invalid`. */
  hostFile(): Promise<HostFile>;
  /** The chosen host's machine, which may not exist yet. */
  machine(): Promise<Machine>;
  /** How the chosen host's machine is reached. Throws `machine_absent`, `machine_stopped`. */
  reach(): Promise<Reach>;
  /** The application that a command is about. Throws `app_ambiguous`, `unknown_app`. */
  app(): Promise<string>;
  /** The applications that a command is about which may be about all of them. Throws `unknown_app`. */
  apps(): Promise<string[]>;
  /** The host file completed with what only the machine knows; the machine has to exist. */
  settings(): Promise<Settings>;
};
