import { STATUS_CODES } from 'node:http';
import type { Context, Next } from 'koa';
import type { Logger } from 'pino';

/** One thing wrong with a request; `path` names the field, as in `title`. */
export interface FieldError {
  path: string;
  message: string;
}

/** The media type of RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json';

/** A failure that the client may know of; `code` is stable snake_case and becomes the problem's `type`. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;
  readonly errors: FieldError[] | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    extra: { headers?: Record<string, string>; errors?: FieldError[]; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.status = status;
    this.code = code;
    this.headers = extra.headers ?? {};
    this.errors = extra.errors;
  }
}

/** 401: the access token is missing, forged, expired, or its owner is gone or has changed the password. */
export function unauthorized(cause?: unknown): ApiError {
  return new ApiError(401, 'unauthorized', 'A valid access token is needed', {
    headers: { 'WWW-Authenticate': 'Bearer' },
    cause,
  });
}

/** 404, also for what the caller may not know of. */
export function notFound(what: string): ApiError {
  return new ApiError(404, 'not_found', `No such ${what}`);
}

/** 422 with what is wrong field by field. */
export function invalid(errors: FieldError[]): ApiError {
  return new ApiError(422, 'invalid', 'The request is not valid', { errors });
}

/** Whether the database refused a row because of this unique index. */
export function violates(error: unknown, index: string): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === UNIQUE_VIOLATION && constraint === index;
}

/** Whether the database gave a statement up because it took longer than `statement_timeout`. */
export function tookTooLong(error: unknown): boolean {
  return (error as { code?: string }).code === QUERY_CANCELED;
}

/** PostgreSQL's names: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';
const QUERY_CANCELED = '57014';

/** What passes by itself or by an operator's hand: the first two characters of a SQLSTATE are its class. */
const UNAVAILABLE_CLASSES = new Set([
  '08', // connection exceptions
  '40', // a deadlock or a conflict, of which this was the victim
  '53', // insufficient resources: connections, memory, disk
  '57', // operator intervention: a shutdown, a start under way, statement_timeout
  '58', // system errors: files that cannot be read or written
]);

/** A standby that has not taken over yet. */
const READ_ONLY = '25006';

/** What a connection is made of: what fails in any other call, as to open a file, is no fault of the database. */
const SOCKET_CALLS = new Set(['getaddrinfo', 'connect', 'read', 'write']);

/** pg's words for a connection that it has lost or has none free, which carry no code; Knex puts the statement before them. */
const CONNECTION_LOST =
  /(^| - )(Connection terminated|Client (has encountered|was closed)|timeout expired|timeout exceeded when trying)/;

/** Answers every failure of what runs inside it as RFC 9457 problem details. */
export function problems(log: Logger) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      const known = asApiError(error);
      if (known.status >= 500)
        log.error({ request_id: ctx.state.requestId, err: known.cause ?? known }, 'request failed');
      answer(ctx, known);
    }
  };
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { code } = error as { code?: unknown };
  // The only foreign keys that a request can break are those to its caller, deleted a moment ago.
  if (code === FOREIGN_KEY_VIOLATION) return unauthorized(error);
  if (isUnavailable(error as Error)) return unavailable(error);
  return internal(error);
}

/** Whether the database could not be reached or could not serve. */
function isUnavailable(error: Error & { code?: unknown; syscall?: string }): boolean {
  const { code, syscall = '', message } = error;
  // Of a name with several addresses, of which none answers.
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  if (SOCKET_CALLS.has(syscall)) return true;
  if (typeof code === 'string') return UNAVAILABLE_CLASSES.has(code.slice(0, 2)) || code === READ_ONLY;
  return CONNECTION_LOST.test(message);
}

/** 500: what nobody has foreseen, and of which the client learns nothing. */
export function internal(cause?: unknown): ApiError {
  return new ApiError(500, 'internal', '', { cause });
}

/** 503: the database is restarting, out of reach, of connections or of room, or too slow. */
export function unavailable(cause?: unknown): ApiError {
  return new ApiError(503, 'unavailable', 'The database is not available', {
    headers: { 'Retry-After': '1' },
    cause,
  });
}

function answer(ctx: Context, error: ApiError): void {
  ctx.status = error.status;
  ctx.set(error.headers);
  ctx.body = presentProblem(error, ctx.state.requestId);
  ctx.type = PROBLEM_TYPE;
}

/** What is answered instead of a result, as RFC 9457 has it. */
export function presentProblem(error: ApiError, requestId: string) {
  return {
    type: `urn:berth:problem:${error.code}`,
    title: STATUS_CODES[error.status],
    status: error.status,
    ...(error.message === '' ? {} : { detail: error.message }),
    ...(error.errors ? { errors: error.errors } : {}),
    request_id: requestId,
  };
}
