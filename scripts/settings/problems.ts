import type Joi from 'joi';
import { nearest } from '../suggest.ts';
import type { HostYaml, Path, Problem } from './document.ts';

/** What the schema found, in the words of the file: the key's path, the value, and the next step. */
export function schemaProblems(
  found: Joi.ValidationErrorItem[],
  schema: Joi.Schema,
  yaml: HostYaml,
): Problem[] {
  const description = schema.describe();
  return found.map((item) => {
    const text =
      item.path.length === 0 ? wholeFile(item) : `${pathText(item.path)}: ${explain(item, description)}`;
    return yaml.problemAt(item.path, KEY_TYPES.has(item.type) ? 'key' : 'value', text);
  });
}

/** `apps.api.env.LOG_LEVEL`, `admin.keys[0]`. */
export function pathText(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${part}`))
    .join('');
}

/** Joi's names of what is wrong with a key rather than with its value. */
const KEY_TYPES = new Set(['object.unknown', 'any.unknown', 'any.required', 'setting.key']);

const KINDS: Record<string, string> = {
  'object.base': 'must be a map (key: value)',
  'array.base': 'must be a list ([a, b])',
  'string.base': 'must be a text',
  'boolean.base': 'must be true or false',
  'number.base': 'must be a number',
  'number.integer': 'must be a whole number',
  'number.unsafe': 'must be a smaller number',
  'array.unique': 'stands in the list twice; keep one',
  'array.sparse': 'is an empty entry; write a value or take it out',
  'string.empty': 'is empty; write a value or take the line out',
  'object.min': 'is empty; name at least one, e.g. api: {}',
};

function explain(
  { type, path, context = {} }: Joi.ValidationErrorItem,
  description: Joi.Description,
): string {
  const value = shown(context.value, path);
  if (type === 'object.unknown')
    return unknownKey(String(path.at(-1)), keysAt(description, path.slice(0, -1)));
  if (type === 'any.unknown') return ofAnotherKind(String(path[0]));
  if (type === 'any.required') return 'is missing; provisioning/hosts/example.yml shows how it is written';
  if (type === 'any.only') return oneOf(value, context.value, (context.valids ?? []).map(String));
  if (type === 'number.min' || type === 'number.max') {
    return `${value} is ${type === 'number.min' ? 'less' : 'more'} than ${context.limit}`;
  }
  if (type === 'setting.key') return context.reason;
  if (type === 'setting.refused') return `${value} ${context.reason}`.trim();
  if (context.value === null) return 'is empty; write a value or take the line out';
  const text = KINDS[type] ?? type;
  return text.startsWith('must') && value ? `${text}, not ${value}` : text;
}

function ofAnotherKind(section: string): string {
  const what = section === 'tls' ? 'certificate' : 'machine';
  return `does not belong to this kind of ${what}; take it out, or change ${section}.kind`;
}

function wholeFile({ context }: Joi.ValidationErrorItem): string {
  const kind = Array.isArray(context?.value) ? 'a list' : shown(context?.value, []);
  return `the file must be a map of settings (key: value), not ${kind}`;
}

function unknownKey(key: string, known: string[]): string {
  const meant = nearest(key, known);
  return `unknown key; ${meant ? `did you mean "${meant}"?` : `known here: ${known.join(', ')}`}`;
}

function oneOf(value: string, given: unknown, valid: string[]): string {
  const meant = typeof given === 'string' ? nearest(given, valid) : undefined;
  return `${value} is none of: ${valid.join(', ')}${meant ? `; did you mean ${meant}?` : ''}`;
}

/** The keys that the schema knows in the map at `path`; the person's own keys stand for any. */
function keysAt(description: Joi.Description, path: Path): string[] {
  let here: Joi.Description | undefined = description;
  for (const part of path) {
    here = here?.keys?.[part] ?? here?.patterns?.[0]?.rule ?? here?.items?.[0];
    // One word, or else a map.
    here = here?.matches?.[0]?.otherwise ?? here;
  }
  return Object.keys(here?.keys ?? {});
}

/** A value as errors show it: short, and never what may be a secret. */
function shown(value: unknown, path: Path): string {
  const text = JSON.stringify(value) ?? '';
  if (path[2] === 'env' || /PRIVATE KEY|:\/\/[^/]*@/.test(text)) return '';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
