import fc, { type Arbitrary } from 'fast-check';
import type { JsonSchema } from '../json-schema.ts';
import { PREFIX } from '../route.ts';
import {
  ENTITY_TAGS,
  ODD_AUTHORIZATIONS,
  ODD_BODIES,
  ODD_ENDINGS,
  ODD_HEADERS,
  ODD_KEYS,
  ODD_METHODS,
  ODD_PAIRS,
  ODD_SEGMENTS,
  ODD_TEXTS,
  ODD_TYPES,
  ODD_VALUES,
} from './odd.ts';

/** A request as bytes, and what of it the document is asked about. */
export interface FuzzRequest {
  method: string;
  path: string;
  bytes: Buffer;
}

// biome-ignore lint/suspicious/noExplicitAny: read as any client would read it.
type Document = any;

interface Operation {
  method: string;
  path: string;
  /** Of events, which do not end by themselves. */
  isStream: boolean;
  parameters: { name: string; in: string; schema: JsonSchema }[];
  body: JsonSchema | undefined;
}

interface Credentials {
  /** Tokens that are good, of whom requests come. */
  tokens: string[];
  /** Of someone who may lose the account to a request. */
  expendable: string;
}

/** Requests to every operation of the document: most of them nearly right, so that they get far. */
export function fuzzRequests(document: Document, credentials: Credentials): Arbitrary<FuzzRequest> {
  const answering = operationsOf(document).filter(({ isStream }) => !isStream);
  return fc.oneof(...answering.map((operation) => requestTo(operation, credentials)));
}

function operationsOf(document: Document): Operation[] {
  const resolve = (schema: JsonSchema | undefined): JsonSchema | undefined => {
    const name = typeof schema?.$ref === 'string' && schema.$ref.split('/').at(-1);
    return name ? document.components.schemas[name] : schema;
  };
  return Object.entries<Document>(document.paths).flatMap(([path, operations]) =>
    Object.entries<Document>(operations).map(([method, { parameters, requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      isStream: 'text/event-stream' in (responses[200]?.content ?? {}),
      parameters: parameters.map((one: Operation['parameters'][number]) => ({
        ...one,
        schema: resolve(one.schema),
      })),
      body: resolve(requestBody?.content['application/json'].schema),
    })),
  );
}

function requestTo(operation: Operation, credentials: Credentials): Arbitrary<FuzzRequest> {
  const isFatal = operation.method === 'DELETE' && operation.path === '/users/me';
  const tokens = isFatal ? [credentials.expendable] : credentials.tokens;
  return fc
    .record({
      method: mostly(fc.constant(operation.method), fc.constantFrom(...ODD_METHODS)),
      path: pathOf(operation),
      query: queryOf(operation),
      authorization: mostly(
        fc.constantFrom(...tokens).map((token) => `Bearer ${token}`),
        fc.constantFrom(...ODD_AUTHORIZATIONS),
      ),
      headers: fc.tuple(...headersOf(operation)),
      odd: mostly(fc.constant([]), fc.subarray(ODD_HEADERS, { minLength: 1, maxLength: 3 })),
      body: operation.body ? bodyOf(operation.body) : mostly(fc.constant(NO_BODY), bodyOf({})),
    })
    .map(({ method, path, query, authorization, headers, odd, body: { type, bytes } }) => {
      const lines = [
        `${method} ${PREFIX}${path}${query} HTTP/1.1`,
        'Host: fuzz',
        `Authorization: ${authorization}`,
        ...(bytes.length > 0 ? [`Content-Type: ${type}`, `Content-Length: ${bytes.length}`] : []),
        ...headers.filter((line) => line !== ''),
        ...odd,
      ];
      const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
      // Nobody sends a fragment; whoever does means what is before it.
      return { method, path: `${PREFIX}${path.replace(/#.*/, '')}`, bytes: Buffer.concat([head, bytes]) };
    });
}

/** Nine in ten are the first. */
function mostly<One, Other>(one: Arbitrary<One>, other: Arbitrary<Other>): Arbitrary<One | Other> {
  return fc.oneof({ weight: 9, arbitrary: one }, { weight: 1, arbitrary: other });
}

function pathOf({ path, parameters }: Operation): Arbitrary<string> {
  const names = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
  const segment = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }).map(String) },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_SEGMENTS) },
  );
  const filled = fc
    .tuple(...names.map(() => segment))
    .map((values) =>
      names.reduce((text, name, index) => text.replace(`{${name}}`, () => values[index] ?? ''), path),
    );
  return fc
    .tuple(filled, mostly(fc.constant(''), fc.constantFrom(...ODD_ENDINGS)))
    .map(([text, ending]) => text + ending);
}

function queryOf({ parameters }: Operation): Arbitrary<string> {
  const known = parameters
    .filter((one) => one.in === 'query')
    .map(({ name, schema }) =>
      fc.oneof(
        anyOf(schema).map((value) => `${name}=${encodeURIComponent(wellFormed(value))}`),
        fc.constantFrom(...ODD_SEGMENTS).map((value) => `${name}=${value}`),
      ),
    );
  const pair = fc.oneof(...known, ...known, fc.constantFrom(...ODD_PAIRS));
  const pairs = fc.array(pair, { minLength: 1, maxLength: 4 });
  const query = pairs.map((list) => `?${list.join('&')}`);
  return known.length > 0 ? fc.oneof(fc.constant(''), query, query) : mostly(fc.constant(''), query);
}

function headersOf({ parameters }: Operation): Arbitrary<string>[] {
  return parameters
    .filter((one) => one.in === 'header')
    .map(({ name }) =>
      fc.oneof(
        fc.constant(''),
        fc.constantFrom(...ENTITY_TAGS).map((value) => `${name}: ${value}`),
      ),
    );
}

interface Body {
  type: string;
  bytes: Buffer;
}

const NO_BODY: Body = { type: '', bytes: Buffer.alloc(0) };

function bodyOf(schema: JsonSchema): Arbitrary<Body> {
  const json = anyOf(schema).map((value) => ({
    type: 'application/json',
    text: JSON.stringify(value) ?? '',
  }));
  const form = anyOf(schema).map((value) => ({ type: FORM, text: formText(value) }));
  const repeated = fc
    .tuple(json, json)
    .map(([{ type, text }, other]) => ({ type, text: `${text.slice(0, -1)},${other.text.slice(1)}` }));
  const wellMeant = fc
    .oneof({ weight: 6, arbitrary: json }, form, repeated)
    .map(({ type, text }) => ({ type, bytes: Buffer.from(text) }));
  const spoiled = fc
    .tuple(wellMeant, fc.nat(), fc.constantFrom(0, 0x22, 0x5c, 0x7d, 0x80, 0xc0, 0xff))
    .map(([{ type, bytes }, at, byte]) => {
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return { type, bytes };
    });
  const mistyped = fc
    .tuple(wellMeant, fc.constantFrom(...ODD_TYPES))
    .map(([{ bytes }, type]) => ({ type, bytes }));
  const odd = fc
    .tuple(fc.constantFrom('application/json', FORM), fc.constantFrom(...ODD_BODIES))
    .map(([type, text]) => ({ type, bytes: Buffer.from(text) }));
  const noise = fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => ({ type: 'application/json', bytes: Buffer.from(bytes) }));
  return fc.oneof(
    { weight: 14, arbitrary: wellMeant },
    { weight: 2, arbitrary: spoiled },
    { weight: 2, arbitrary: mistyped },
    { weight: 1, arbitrary: odd },
    { weight: 1, arbitrary: noise },
  );
}

const FORM = 'application/x-www-form-urlencoded';

function formText(value: unknown): string {
  const pairs = Object.entries(Object(value)).map(([key, member]) => [key, wellFormed(member)]);
  return new URLSearchParams(pairs as [string, string][]).toString();
}

/** Text that a URL can carry. */
function wellFormed(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
}

/** A value that the schema allows, or only just not, or that has nothing to do with it. */
function anyOf(schema: JsonSchema): Arbitrary<unknown> {
  return fc.oneof(
    { weight: 16, arbitrary: validOf(schema) },
    { weight: 3, arbitrary: nearOf(schema) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
  );
}

function validOf({ type, enum: values, examples, ...schema }: JsonSchema): Arbitrary<unknown> {
  if (Array.isArray(values)) return fc.constantFrom(...values);
  const made = madeOf({ ...schema, ...(type && { type }) });
  return Array.isArray(examples) ? fc.oneof(made, fc.constantFrom(...examples)) : made;
}

function madeOf({ type, properties = {}, required = [], ...limits }: JsonSchema): Arbitrary<unknown> {
  const {
    minimum = 1,
    maximum = 100,
    minLength = 0,
    maxLength = 100,
    format,
  } = limits as Record<string, number>;
  switch (type) {
    case 'integer':
      return fc.oneof(
        fc.integer({ min: minimum, max: Math.min(maximum, 60) }),
        fc.constantFrom(minimum, maximum),
      );
    case 'boolean':
      return fc.boolean();
    case 'string':
      return String(format) === 'email'
        ? fc.integer({ max: 99_999, min: 0 }).map((n) => `user${n}@example.org`)
        : fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 40) });
    default:
      return fc.record(
        Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, anyOf(member)])),
        { requiredKeys: required as string[] },
      );
  }
}

function nearOf({
  type,
  minimum,
  maximum,
  minLength,
  maxLength,
  properties = {},
}: JsonSchema): Arbitrary<unknown> {
  if (type === 'integer')
    return fc.constantFrom(
      Number(minimum ?? 0) - 1,
      Number(maximum ?? 0) + 1,
      0.5,
      -0,
      2 ** 31,
      2 ** 53 + 2,
      '1',
      '1e0',
    );
  if (type === 'string') {
    const long = Number(maxLength ?? 1_000) + 1;
    const short = 'x'.repeat(Math.max(0, Number(minLength ?? 1) - 1));
    return fc.constantFrom(short, 'x'.repeat(long), '\u{1f6a2}'.repeat(long), ' ', ...ODD_TEXTS);
  }
  const names = [...Object.keys(properties), ...ODD_KEYS];
  return fc.dictionary(fc.constantFrom(...names), fc.constantFrom(...ODD_VALUES), { maxKeys: 5 });
}
