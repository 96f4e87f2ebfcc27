import { STATUS_CODES } from 'node:http';
import type { Context, Next } from 'koa';
import type { Logger } from 'pino';

/** One thing wrong with a request; `path` names the field, as in `title`. */
export interface FieldError {
  path: string;
  message: string;
}

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

/** PostgreSQL's names: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';
const UNAVAILABLE = new Set([
  '53300', // too_many_connections
  '57014', // query_canceled, by statement_timeout
  '57P01', // admin_shutdown
  '57P03', // cannot_connect_now
  'ECONNREFUSED',
  'ENOENT', // no unix socket
]);

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
  const { code, name } = error as { code?: string; name?: string };
  // The only foreign keys that a request can break are those to its caller, deleted a moment ago.
  if (code === FOREIGN_KEY_VIOLATION) return unauthorized(error);
  // Knex's name for no free connection in time.
  if (UNAVAILABLE.has(code ?? '') || name === 'KnexTimeoutError') return unavailable(error);
  return new ApiError(500, 'internal', '', { cause: error });
}

function unavailable(cause: unknown): ApiError {
  return new ApiError(503, 'unavailable', 'The database is not available', {
    headers: { 'Retry-After': '1' },
    cause,
  });
}

function answer(ctx: Context, error: ApiError): void {
  ctx.status = error.status;
  ctx.set(error.headers);
  ctx.body = {
    type: `urn:berth:problem:${error.code}`,
    title: STATUS_CODES[error.status],
    status: error.status,
    ...(error.message === '' ? {} : { detail: error.message }),
    ...(error.errors ? { errors: error.errors } : {}),
    request_id: ctx.state.requestId,
  };
  ctx.type = 'application/problem+json';
}
