/** What `berth` exits with, and what each code means to a script. */
export const EXIT = { done: 0, failed: 1, differs: 2, usage: 64, interrupted: 130 } as const;

/** One line for each exit code, in the order of the help text. */
export const EXIT_MEANINGS: [code: number, meaning: string][] = [
  [EXIT.done, 'done'],
  [EXIT.failed, 'failed; the message says why and what to do'],
  [EXIT.differs, '`plan` or `drift` found a difference'],
  [EXIT.usage, 'wrong usage: unknown word, flag or host, missing argument'],
  [EXIT.interrupted, 'stopped by Ctrl-C'],
];

const USAGE_ERRORS = new Set(['wrong_usage', 'unknown_host', 'confirmation_needed', 'sudo_password_needed']);

/** The exit code of a failure, by the code of its BerthError. */
export function exitCodeOf(errorCode: string): number {
  if (errorCode === 'interrupted') return EXIT.interrupted;
  return USAGE_ERRORS.has(errorCode) ? EXIT.usage : EXIT.failed;
}
