import build from 'fast-json-stringify';
import type Joi from 'joi';
import { outputSchema } from './json-schema.ts';

/** Writes a value as JSON. */
export type Serialize = (value: object) => string;

/** Compiles what writes values of this shape: its keys in its order and none that it does not name; times as ISO 8601. */
export function serializer(shape: Joi.Schema): Serialize {
  return build({ type: 'object', ...outputSchema(shape) });
}
