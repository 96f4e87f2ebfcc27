import { type JsonSchema, mapValues } from '../json-schema.ts';

/** Replaces each schema in this one that has a title, itself included, by a reference. */
export type Refer = (schema: JsonSchema) => JsonSchema;

/** Collects the named schemas of a document in `schemas` as they are referred to. */
export function createComponents() {
  const schemas: Record<string, JsonSchema> = {};
  const refer: Refer = ({ title, ...schema }) => {
    const inner: JsonSchema = {
      ...schema,
      ...(schema.properties && { properties: mapValues(schema.properties, refer) }),
      ...(schema.items && { items: refer(schema.items) }),
    };
    if (!title) return inner;
    schemas[title] = inner;
    return { $ref: `#/components/schemas/${title}` };
  };
  return { schemas, refer };
}
