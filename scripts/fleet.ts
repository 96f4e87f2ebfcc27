import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { failureOf } from './failure.ts';

/**
 * Does the same work for each of several hosts, all at once. Each has a context and progress lines of its own, and one
 * that fails does not stop the others. With one host it is `work(context)`, which rejects as ever.
 *
 * Returns the exit code: 1 if any failed, else the largest exit code that `work` gave: 2 where any plan differs.
 */
export async function onEachHost(
  context: Context,
  hosts: string[],
  work: (context: Context) => Promise<unknown>,
): Promise<number> {
  const [only, ...others] = hosts;
  if (only !== undefined && others.length === 0) return exitCode(await work(context.forHost(only)));
  // A name that is mistyped is said before anything is begun.
  const all = hosts.map((host) => context.forHost(host));
  await Promise.all(all.map((each) => each.hostFile()));
  const codes = await Promise.all(all.map((each) => codeOf(each, work)));
  const names = hosts.filter((_, index) => codes[index] === EXIT.failed);
  if (context.signal.aborted) return EXIT.interrupted;
  if (names.length === 0) return Math.max(EXIT.done, ...codes);
  context.report.note(
    `failed on ${names.join(', ')}; done on ${hosts.length - names.length} of ${hosts.length} hosts`,
  );
  return EXIT.failed;
}

async function codeOf(context: Context, work: (context: Context) => Promise<unknown>): Promise<number> {
  const { report, flags, signal } = context;
  try {
    return exitCode(await work(context));
  } catch (error) {
    const failure = failureOf(error, signal.aborted);
    if (flags.all && failure.code === 'machine_absent') {
      report.note(`left out: ${failure.message}`);
      return EXIT.done;
    }
    report.failure(failure, flags.verbose && error instanceof Error ? error.stack : undefined);
    return EXIT.failed;
  }
}

function exitCode(given: unknown): number {
  return typeof given === 'number' ? given : EXIT.done;
}

/** The hosts that `--host a,b` names, each once. */
export function hostsOf(flag: string): string[] {
  const names = flag.split(',').filter(Boolean);
  return names.length === 0 ? [flag] : [...new Set(names)];
}

/** What a command says that works on one machine and was given several. */
export function severalHosts(hosts: string[]): BerthError {
  return new BerthError(
    'wrong_usage',
    `--host names ${hosts.length} hosts (${hosts.join(', ')}), and this command works on one`,
    'run it once for each of them',
  );
}
