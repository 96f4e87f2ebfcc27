/**
 * A failure that a person can act on.
 *
 * `code` is stable snake_case and documented in the README; `message` names the thing and the value;
 * `hint` is the next command or edit.
 */
export class BerthError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BerthError';
    this.code = code;
    this.hint = hint;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
