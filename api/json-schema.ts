import type Joi from 'joi';

/** A JSON Schema (2020-12) as OpenAPI 3.1 takes it; `title` is the name of a shape that has one. */
export interface JsonSchema {
  type?: string | string[];
  title?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  examples?: unknown[];
  [keyword: string]: unknown;
}

/** The part of `schema.describe()` that Joi leaves out of its JSON Schema. */
interface Description {
  keys?: Record<string, Description>;
  items?: Description[];
  flags?: { unknown?: boolean };
  rules?: { name: string }[];
  dependencies?: { rel: string; key: string; peers: string[] }[];
  metas?: { title?: string }[];
  examples?: unknown[];
}

const DIALECT = { target: 'draft-2020-12' } as const;

/** What a client may send. */
export function inputSchema(schema: Joi.Schema): JsonSchema {
  return complete(schema['~standard'].jsonSchema.input(DIALECT), schema.describe() as Description);
}

/** What is answered. */
export function outputSchema(schema: Joi.Schema): JsonSchema {
  return complete(schema['~standard'].jsonSchema.output(DIALECT), schema.describe() as Description);
}

/** Adds names, examples and dependencies, and the integers among enumerated numbers. */
function complete(json: JsonSchema, description: Description): JsonSchema {
  const {
    keys = {},
    items: [item] = [],
    flags = {},
    rules = [],
    dependencies = [],
    metas,
    examples,
  } = description;
  const title = metas?.findLast((meta) => meta.title)?.title;
  const dependent = dependencies.filter(({ rel }) => rel === 'with').map(({ key, peers }) => [key, peers]);
  return {
    ...(title && { title }),
    ...json,
    ...(rules.some(({ name }) => name === 'integer') && { type: 'integer' }),
    // Said, though it is the default: a serializer leaves out what it is not told of.
    ...(flags.unknown && { additionalProperties: true }),
    ...(json.properties && {
      properties: mapValues(json.properties, (property, key) => complete(property, keys[key] ?? {})),
    }),
    ...(json.items && { items: complete(json.items, item ?? {}) }),
    ...(dependent.length > 0 && { dependentRequired: Object.fromEntries(dependent) }),
    ...(examples && { examples }),
  };
}

/** The same keys, each with another value. */
export function mapValues<From, To>(
  record: Record<string, From>,
  change: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
