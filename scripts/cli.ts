import { Command as Commander, CommanderError } from 'commander';
import { BerthError } from '../provisioning/errors.ts';
import type { Command, Entry, Flags, Input } from './command.ts';
import { entries } from './commands/index.ts';
import { createContext, createShared, type Edge } from './context.ts';
import { EXIT, EXIT_MEANINGS, exitCodeOf } from './exit-codes.ts';
import { failureOf, wrongUsage } from './failure.ts';
import { defaultHost, everyHost } from './hosts.ts';
import type { Io } from './io.ts';
import { createRenderer, type Renderer } from './render.ts';

/** Runs one command line (without `node` and the script) and returns its exit code; never throws. */
export async function run(argv: string[], io: Io, edge: Edge, list: Entry[] = entries): Promise<number> {
  const { json, verbose } = flagsOf(argv);
  const report = createRenderer(io, { json, verbose });
  try {
    return await dispatch(argv, io, edge, report, list);
  } catch (error) {
    const failure = failureOf(error, edge.signal.aborted);
    report.failure(failure, verbose && error instanceof Error ? error.stack : undefined);
    return exitCodeOf(failure.code);
  }
}

async function dispatch(
  argv: string[],
  io: Io,
  edge: Edge,
  report: Renderer,
  list: Entry[],
): Promise<number> {
  let code: number = EXIT.done;
  const { shared, close } = createShared();
  const program = createProgram(io, list, async (command, input) => {
    const flags = globalFlags(program, io, edge.root);
    code = await command.run(createContext({ io, report, flags, edge, shared }), input).finally(close);
  });
  try {
    await program.parseAsync(withHelpFlag(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.help') program.outputHelp();
    else if (error.exitCode !== 0) throw wrongUsage(error);
  }
  return code;
}

type Act = (command: Command, input: Input) => Promise<void>;

function createProgram(io: Io, list: Entry[], act: Act): Commander {
  const program = new Commander('berth')
    .description('Gives an API a place on a machine you own.')
    .usage('<word> [options]')
    .option(
      '-H, --host <name>',
      'the machine: provisioning/hosts/<name>.yml (default: $BERTH_HOST, else the only one, else local)',
    )
    .option('--all', 'every machine of provisioning/hosts, for the words that take several')
    .option('-a, --app <name>', 'the application, where the hosts file names several (default: $BERTH_APP)')
    .option('--json', 'print events as NDJSON, for scripts')
    .option('-y, --yes', 'answer every question with yes')
    .option('-v, --verbose', 'show more: diffs of an apply, stack traces')
    .helpOption('-h, --help', 'show help')
    .addHelpText('after', exitCodesHelp())
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // What went wrong arrives as a CommanderError too and is reported once, in one form.
      writeErr: () => {},
      getOutHelpWidth: () => io.stdout.columns,
    })
    .helpCommand(false)
    .exitOverride();
  const words = new Map<Commander, Entry>();
  for (const entry of list) {
    const word = program.command(entry.word).description(entry.summary).helpGroup(`${entry.group}:`);
    words.set(word, entry);
  }
  return program.hook('preSubcommand', async (_program, word) => {
    await loadWord(word, words.get(word) as Entry, act);
  });
}

/** The arguments, options and examples of the word that was typed. */
async function loadWord(word: Commander, { load }: Entry, act: Act): Promise<void> {
  const { command } = await load();
  for (const [name, meaning] of command.arguments ?? []) word.argument(name, meaning);
  for (const [flags, meaning, fallback] of command.options ?? []) word.option(flags, meaning, fallback);
  word.addHelpText('after', examplesHelp(command));
  word.action(() => act(command, { args: word.args, options: word.opts() }));
}

/** `help <word>` is `<word> --help`; commander's own would not load the word. */
function withHelpFlag(argv: string[]): string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
}

function examplesHelp({ examples }: Command): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  return ['', 'Examples:', ...examples.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`)].join('\n');
}

function exitCodesHelp(): string {
  return [
    '',
    'Exit codes:',
    ...EXIT_MEANINGS.map(([code, meaning]) => `  ${`${code}`.padEnd(4)} ${meaning}`),
  ].join('\n');
}

function globalFlags(program: Commander, io: Io, root: string): Flags {
  const { host, all, app, json, yes, verbose } = program.opts();
  if (all && host !== undefined)
    throw new BerthError(
      'wrong_usage',
      '--all is every host, and --host names some',
      'leave one of them out',
    );
  return {
    host: all ? everyHost(root) : (host ?? (io.env.BERTH_HOST || defaultHost(root))),
    all: !!all,
    app: app ?? (io.env.BERTH_APP || undefined),
    json: !!json,
    yes: !!yes,
    verbose: !!verbose,
  };
}

/** The flags that decide how a failure looks, known also when the rest cannot be parsed. */
function flagsOf(argv: string[]): { json: boolean; verbose: boolean } {
  const ours = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  return { json: ours.includes('--json'), verbose: ours.includes('--verbose') || ours.includes('-v') };
}
