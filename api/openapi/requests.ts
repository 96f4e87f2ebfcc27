import type Joi from 'joi';
import { inputSchema, type JsonSchema } from '../json-schema.ts';
import type { Route } from '../route.ts';
import { id } from '../validate.ts';
import { PRECONDITIONS, REQUEST_HEADERS } from './headers.ts';
import type { Refer } from './schemas.ts';

/** What a request may hold besides its body. */
export function parametersOf({ path, query, precondition, requestHeader }: Route) {
  return [
    ...pathParameters(path),
    ...queryParameters(query),
    ...(requestHeader ? [{ name: requestHeader, in: 'header', ...REQUEST_HEADERS[requestHeader] }] : []),
    ...(precondition ? [{ name: precondition, in: 'header', ...PRECONDITIONS[precondition] }] : []),
  ];
}

function pathParameters(path: string) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  return names.map((name) => ({
    name,
    in: 'path',
    required: true,
    description: 'What is no id is not found',
    schema: inputSchema(id().example(12)),
  }));
}

function queryParameters(query: Joi.ObjectSchema | undefined) {
  const { properties = {} } = query ? inputSchema(query) : {};
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description !== undefined && { description }),
    schema,
  }));
}

/** A form carries text alone, so it is for bodies of nothing else. Unknown keys are dropped, not refused. */
export function requestBodyOf(body: Joi.ObjectSchema, refer: Refer) {
  const inline = inputSchema(body.unknown());
  const media = { schema: refer(inline) };
  return {
    required: true,
    content: {
      'application/json': media,
      ...(isText(inline) && { 'application/x-www-form-urlencoded': media }),
    },
  };
}

function isText({ properties = {} }: JsonSchema): boolean {
  return Object.values(properties).every(({ type }) => type === 'string');
}
