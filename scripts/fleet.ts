import { BerthError } from '../provisioning/errors.ts';
import type { Context } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { failureOf } from './failure.ts';

/**
 * Does the same work for each of several hosts, all at once. Each has a context and progress lines of its own, and one
 * that fails does not stop the others. With one host it is `work(context)`, which rejects as ever.
 *
 * Returns the exit code: 1 if any failed.
 */
export async function onEachHost(
  context: Context,
  hosts: string[],
  work: (context: Context) => Promise<unknown>,
): Promise<number> {
  const [only, ...others] = hosts;
  if (only !== undefined && others.length === 0) {
    await work(context.forHost(only));
    return EXIT.done;
  }
  // A name that is mistyped is said before anything is begun.
  const all = hosts.map((host) => context.forHost(host));
  await Promise.all(all.map((each) => each.hostFile()));
  const failed = await Promise.all(all.map((each) => failureOn(each, work)));
  const names = hosts.filter((_, index) => failed[index]);
  if (context.signal.aborted) return EXIT.interrupted;
  if (names.length === 0) return EXIT.done;
  context.report.note(
    `failed on ${names.join(', ')}; done on ${hosts.length - names.length} of ${hosts.length} hosts`,
  );
  return EXIT.failed;
}

async function failureOn(context: Context, work: (context: Context) => Promise<unknown>): Promise<boolean> {
  const { report, flags, signal } = context;
  try {
    await work(context);
    return false;
  } catch (error) {
    report.failure(
      failureOf(error, signal.aborted),
      flags.verbose && error instanceof Error ? error.stack : undefined,
    );
    return true;
  }
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
