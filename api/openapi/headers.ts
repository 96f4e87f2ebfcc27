import type { JsonSchema } from '../json-schema.ts';

interface Header {
  description: string;
  /** Whether every answer that may carry it does. */
  required?: true;
  schema: JsonSchema;
}

const text = (example: string): JsonSchema => ({ type: 'string', examples: [example] });

/** Of the document's examples. */
export const REQUEST_ID = '5f0c1d2e9a7b4c3d8e6f1a2b3c4d5e6f';

const ENTITY_TAG = '"1.pZGm1Av0IEBKARcz"';

/** What an answer may carry; the first two are in every one. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': {
    description: 'Names the request in the logs and in problems',
    required: true,
    schema: text(REQUEST_ID),
  },
  'X-Release': { description: 'The release that answered', required: true, schema: text('v42') },
  ETag: {
    description: 'For `If-Match` and `If-None-Match`',
    required: true,
    schema: text(ENTITY_TAG),
  },
  Link: {
    description: 'The next page, if there is one',
    schema: text('</api/posts?limit=10&after=3.12>; rel="next"'),
  },
  Location: { description: 'Where it is', required: true, schema: text('/api/posts/12') },
  'Retry-After': {
    description: 'Seconds to wait',
    required: true,
    schema: { type: 'integer', minimum: 1, examples: [30] },
  },
  'Server-Timing': {
    description: 'How many milliseconds the parts of the answer took, for who sends `Prefer: server-timing`',
    schema: text('total;dur=4.2, auth;dur=1.1, db;dur=2.3;desc="2 queries"'),
  },
  'WWW-Authenticate': {
    description: 'How to sign in',
    required: true,
    schema: { type: 'string', enum: ['Bearer'] },
  },
} satisfies Record<string, Header>;

export type ResponseHeaderName = keyof typeof RESPONSE_HEADERS;

/** Headers of a request that change its answer, and the answer where their condition does not hold. */
export const PRECONDITIONS = {
  'If-Match': { description: 'Only if it has not changed since this `ETag`', schema: text(ENTITY_TAG) },
  'If-None-Match': { description: 'Only if it has changed since this `ETag`', schema: text(ENTITY_TAG) },
} satisfies Record<string, Header>;

/** Headers of a request that its handler reads. */
export const REQUEST_HEADERS = {
  'Idempotency-Key': {
    description:
      'The same request with the same key has the first answer, and is done once; a key holds until its task is forgotten, 30 days after its end',
    schema: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]+$',
      examples: ['0f3c1f9e-export'],
    },
  },
  'Last-Event-ID': { description: 'The last event that has been seen', schema: text('3') },
} satisfies Record<string, Header>;

export type RequestHeaderName = keyof typeof REQUEST_HEADERS;

export type PreconditionName = keyof typeof PRECONDITIONS;

const OF_EVERY_ANSWER: ResponseHeaderName[] = ['X-Request-Id', 'X-Release'];

/** References to these headers and to those of every answer. */
export function headersOf(names: string[]) {
  const all = [...OF_EVERY_ANSWER, ...names];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
