import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { createDocument } from '../openapi.ts';
import { resources } from '../resources/index.ts';
import { PREFIX } from '../route.ts';
import type { Services } from '../services.ts';

/** What was asked; `path` is that of the URL. */
export interface Asked {
  method: string;
  path: string;
}

/** What was answered; `body` is the parsed JSON, or null if there was none. */
export interface Answered {
  status: number;
  headers: Headers;
  body: unknown;
}

interface Problem {
  type: string;
}

// biome-ignore lint/suspicious/noExplicitAny: read as any client would read it.
const document: any = createDocument(resources({ config: {} } as Services), 'test');

const DOCUMENT = 'openapi.json';
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(document, DOCUMENT);

const templates = Object.keys(document.paths)
  // As OpenAPI has it: what is named comes before what is a parameter.
  .toSorted((one, other) => one.split('{').length - other.split('{').length)
  .map((path) => ({ path, pattern: new RegExp(`^${PREFIX}${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`) }));

/**
 * Throws unless the document allows this answer: its status, its headers, its type, and its body to the last property.
 * What the document does not list are other paths, which are 404, other methods, which are 405, and CORS preflights.
 */
export function assertDocumented({ method, path }: Asked, answered: Answered): void {
  if (method === 'OPTIONS' && answered.status === 204) return;
  try {
    const operation = operationOf(method, path);
    if (typeof operation === 'number') assertProblem(operation, answered);
    else assertResponse(responseOf(operation, answered.status), answered, method === 'HEAD');
  } catch (cause) {
    const text = `${method} ${path} answered ${answered.status}: ${JSON.stringify(answered.body)}`;
    throw new Error(`not as the document has it: ${(cause as Error).message}\n${text}`, { cause });
  }
}

/** Where the document has this operation, else the status that such a request is answered with. */
function operationOf(method: string, path: string): string | 404 | 405 {
  const template = templates.find(({ pattern }) => pattern.test(path))?.path;
  if (!template) return 404;
  const operation = pointer('paths', template, (method === 'HEAD' ? 'GET' : method).toLowerCase());
  return at(operation) ? operation : 405;
}

/** What a client did wrong has its status; only of what it can do nothing about `default` may tell. */
function responseOf(operation: string, status: number): string {
  const { responses } = at(operation);
  const key = status in responses || status < 500 ? `${status}` : 'default';
  assert.ok(key in responses, `no such status`);
  return responses[key].$ref?.slice(1) ?? operation + pointer('responses', key);
}

function assertResponse(response: string, { headers, body }: Answered, isHead: boolean): void {
  const { headers: documented = {}, content = {} } = at(response);
  for (const name of Object.keys(documented)) assertHeader(name, headers.get(name));
  const type = headers.get('content-type')?.split(';')[0];
  const types = Object.keys(content);
  assert.ok(type === undefined ? types.length === 0 : types.includes(type), 'Content-Type');
  if (type === undefined || isHead) {
    assert.equal(body, null, 'no body');
    return;
  }
  assertValid(response + pointer('content', type, 'schema'), body);
  if (content[type].examples) assertCode(content[type].examples, body as Problem);
}

function assertHeader(name: string, value: string | null): void {
  const header = pointer('components', 'headers', name);
  const { required, schema } = at(header);
  if (value === null) assert.ok(!required, `no ${name}`);
  else assertValid(`${header}/schema`, schema.type === 'integer' ? Number(value) : value);
}

/** Each code that a problem of this status may have is among its examples. */
function assertCode(examples: Record<string, { value: Problem }>, { type }: Problem): void {
  const types = Object.values(examples).map(({ value }) => value.type);
  assert.ok(types.includes(type), `${type} is none of ${types}`);
}

function assertProblem(expected: number, { status, headers, body }: Answered): void {
  assert.equal(status, expected);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  if (expected === 405) assert.ok(headers.has('allow'), 'no Allow');
  if (body !== null) assertValid('/components/schemas/Problem', body);
}

/** Compiled when first asked for, and kept by ajv. */
function assertValid(schema: string, value: unknown): void {
  const validate = ajv.getSchema(`${DOCUMENT}#${encodeURI(schema)}`);
  assert.ok(validate, schema);
  assert.ok(validate(value), ajv.errorsText(validate.errors));
}

/** A JSON pointer (RFC 6901). */
function pointer(...keys: string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function at(path: string) {
  const keys = path.split('/').slice(1);
  return keys.reduce((node, key) => node?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}
