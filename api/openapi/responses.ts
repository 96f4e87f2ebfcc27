import { STATUS_CODES } from 'node:http';
import Joi from 'joi';
import { tooLarge } from '../body.ts';
import {
  type ApiError,
  internal,
  invalid,
  PROBLEM_TYPE,
  presentProblem,
  unauthorized,
  unavailable,
} from '../errors.ts';
import { changed } from '../etag.ts';
import { mapValues, outputSchema } from '../json-schema.ts';
import type { Route } from '../route.ts';
import { headersOf, REQUEST_ID } from './headers.ts';
import type { Refer } from './schemas.ts';

const problem = Joi.object({
  type: Joi.string()
    .required()
    .description('`urn:berth:problem:` and a code that does not change, or `about:blank`'),
  title: Joi.string().required(),
  status: Joi.number().integer().required(),
  detail: Joi.string(),
  errors: Joi.array()
    .items(
      Joi.object({
        path: Joi.string().allow('').required().description('Empty for the body as a whole'),
        message: Joi.string().required(),
      }),
    )
    .description('What is wrong, field by field'),
  request_id: Joi.string().required(),
}).meta({ title: 'Problem' });

/** What the checks before a handler answer, and what may befall any request. */
const SHARED = {
  Unauthorized: unauthorized(),
  BodyTooLarge: tooLarge(102_400),
  Invalid: invalid([{ path: 'title', message: 'title must be a string' }]),
  Unavailable: unavailable(),
  Failure: internal(),
};

const NAMES = new Map(Object.entries(SHARED).map(([name, error]) => [error, name]));

/** As nginx answers. */
const REFUSED = { type: 'about:blank', title: STATUS_CODES[400], status: 400, request_id: REQUEST_ID };

/** The responses that operations refer to. */
export function sharedResponses(refer: Refer) {
  return {
    ...mapValues(SHARED, (error) => problemResponse([error], refer)),
    Refused: {
      description: 'Refused unread: malformed, too slow or too long (400, 408, 414, 431)',
      content: { [PROBLEM_TYPE]: { schema: problemSchema(refer), example: REFUSED } },
    },
  };
}

/** Every status that the row may answer, and by `4XX` and `default` those of what stands before it. */
export function responsesOf(row: Route, refer: Refer): Record<string, object> {
  const [status, shape] = row.success;
  const headers = headersOf([...(row.public ? [] : ['Server-Timing']), ...(row.headers ?? [])]);
  const refusals = Map.groupBy(refusalsOf(row), (error) => String(error.status));
  return {
    [status]: {
      description: STATUS_CODES[status],
      headers,
      ...(shape && { content: contentOf(shape, refer, row.mediaTypes) }),
    },
    ...(row.noContent && { 204: { description: row.noContent, headers: headersOf([]) } }),
    ...(row.precondition === 'If-None-Match' && { 304: { description: STATUS_CODES[304], headers } }),
    ...mapValues(Object.fromEntries(refusals), (errors) => refusalResponse(errors, refer)),
    '4XX': shared('Refused'),
    default: shared('Failure'),
  };
}

function contentOf(shape: Joi.Schema, refer: Refer, mediaTypes = ['application/json']) {
  const schema = refer(outputSchema(shape));
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema }]));
}

function refusalsOf({ query, body, precondition, errors = [], ...row }: Route): ApiError[] {
  return [
    ...(row.public ? [] : [SHARED.Unauthorized]),
    ...(body ? [SHARED.BodyTooLarge] : []),
    ...(query || body ? [SHARED.Invalid] : []),
    ...(precondition === 'If-Match' ? [changed()] : []),
    ...errors,
    SHARED.Unavailable,
  ];
}

function refusalResponse(errors: ApiError[], refer: Refer) {
  const [name] = errors.map((error) => NAMES.get(error));
  return name && errors.length === 1 ? shared(name) : problemResponse(errors, refer);
}

function shared(name: string) {
  return { $ref: `#/components/responses/${name}` };
}

function problemResponse(errors: ApiError[], refer: Refer) {
  const [first] = errors as [ApiError];
  const headers = Object.keys(first.headers).filter((name) => errors.every((error) => name in error.headers));
  const examples = Object.fromEntries(
    errors.map((error) => [error.message || error.code, { value: presentProblem(error, REQUEST_ID) }]),
  );
  return {
    description: STATUS_CODES[first.status],
    headers: headersOf(headers),
    content: { [PROBLEM_TYPE]: { schema: problemSchema(refer), examples } },
  };
}

function problemSchema(refer: Refer) {
  return refer(outputSchema(problem));
}
