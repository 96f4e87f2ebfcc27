import type { CommanderError } from 'commander';
import { BerthError, messageOf } from '../provisioning/errors.ts';

/** What commander refused, with its suggestion as the next step. */
export function wrongUsage(error: CommanderError): BerthError {
  const [message = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const didYouMean = suggestion.match(/^\(Did you mean (.+)\?\)$/)?.[1];
  return new BerthError(
    'wrong_usage',
    message,
    didYouMean
      ? `did you mean ${didYouMean}?`
      : 'berth --help lists the words, berth <word> --help their arguments and options',
    { cause: error },
  );
}

/** Anything thrown, as a failure to show; after Ctrl-C every failure is its consequence. */
export function failureOf(error: unknown, interrupted: boolean): BerthError {
  if (interrupted)
    return new BerthError('interrupted', 'stopped before it was done', 'run the same command again', {
      cause: error,
    });
  if (error instanceof BerthError) return error;
  return new BerthError(
    'unexpected',
    messageOf(error),
    'this is a fault of berth; run it again with --verbose to see where',
    { cause: error },
  );
}
