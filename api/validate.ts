import Joi from 'joi';
import { type FieldError, invalid } from './errors.ts';

/** PostgreSQL's `integer`: a larger id names nothing and would only fail in the database. */
export const MAX_INTEGER = 2 ** 31 - 1;

/** Text that PostgreSQL can store as it is: no NUL, no half of a surrogate pair. */
export const text = () =>
  Joi.string()
    .custom((value: string, { error }) =>
      value.includes('\0') || !value.isWellFormed() ? error('text.characters') : value,
    )
    .messages({ 'text.characters': '{{#label}} must hold neither NUL nor half a surrogate pair' })
    .description('Neither NUL nor half a surrogate pair');

/** An id in a query or a body. */
export const id = () => Joi.number().integer().min(1).max(MAX_INTEGER);

/** The id in a path. What is no id is 0, which no row has: such a path answers 404 like any other without a row. */
export function pathId(segment: string | undefined): number {
  if (!/^[0-9]{1,10}$/.test(segment ?? '')) return 0;
  const value = Number(segment);
  return value <= MAX_INTEGER ? value : 0;
}

/**
 * Checks a query or a body and drops the keys that the schema does not know; throws a 422 that lists every fault.
 * A query's values are text and are converted; a JSON body's types must be right.
 */
export function validate<T>(
  schema: Joi.ObjectSchema<T>,
  value: unknown,
  { convert }: { convert: boolean },
): T {
  const result = schema.validate(value, {
    abortEarly: false,
    convert,
    stripUnknown: true,
    errors: { wrap: { label: false } },
  });
  if (result.error) throw invalid(result.error.details.map(fieldError));
  return result.value as T;
}

function fieldError({ path, message }: Joi.ValidationErrorItem): FieldError {
  return { path: path.join('.'), message };
}
