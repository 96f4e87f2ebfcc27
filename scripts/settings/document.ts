import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';

/** One thing that is wrong in a file; line and column count from 1. */
export type Problem = { line: number; column: number; text: string };

/** A path into the file, e.g. `['apps', 'api', 'env', 'LOG_LEVEL']`. */
export type Path = readonly (string | number)[];

/** A YAML file read to values that remember where they stand. */
export type HostYaml = {
  value: unknown;
  problems: Problem[];
  /** The problem `text` at a key (or an item), or at what it is set to. */
  problemAt(path: Path, place: 'key' | 'value', text: string): Problem;
};

/** Reads one YAML 1.2 document without tags and aliases; what is wrong with it is returned, not thrown. */
export function readYaml(text: string): HostYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number, problem: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), text: problem };
  };
  const problems = [...document.errors, ...document.warnings].map((error) => at(error.pos[0], syntax(error)));
  visit(document, {
    // The schema never sees this one: it is no ordinary key of an object.
    Pair: (_key, { key }) => {
      if (isScalar(key) && key.value === '__proto__')
        problems.push(at(key.range?.[0] ?? 0, '__proto__: unknown key'));
    },
    Alias: (_key, { source, range }) => {
      problems.push(at(range?.[0] ?? 0, `*${source}: aliases are not taken here; write the value out`));
    },
  });
  if (problems.length === 0) keepVariablesAsWritten(document);
  return {
    value: problems.length === 0 ? document.toJS() : undefined,
    problems,
    problemAt: (path, place, problem) => at(offsetOf(document, path, place), problem),
  };
}

const SYNTAX: Partial<Record<YAMLError['code'], string>> = {
  DUPLICATE_KEY: 'this key stands here for the second time; keep one of them',
  TAB_AS_INDENT: 'a tab; YAML is indented with spaces only',
  MULTIPLE_DOCS: 'a second document (---) begins; one file describes one machine',
  TAG_RESOLVE_FAILED: 'tags (!…) are not taken here',
};

function syntax({ code, message }: YAMLError): string {
  return SYNTAX[code] ?? `is not YAML: ${message}`;
}

/** `VERSION: 1.10` is a text to an environment, not the number 1.1. */
function keepVariablesAsWritten(document: Document): void {
  const apps = document.get('apps');
  if (!isMap(apps)) return;
  for (const { value: app } of apps.items) {
    const env = isMap(app) ? app.get('env') : undefined;
    if (!isMap(env)) continue;
    for (const { value } of env.items) {
      if (isScalar(value) && ['number', 'boolean', 'bigint'].includes(typeof value.value))
        value.value = value.source;
    }
  }
}

/** Where the deepest part of the path stands that the file has. */
function offsetOf(document: Document, path: Path, place: 'key' | 'value'): number {
  for (let depth = path.length; depth > 0; depth--) {
    const pair = pairAt(document, path.slice(0, depth));
    const exact = place === 'value' && depth === path.length;
    const node = exact ? (pair?.value ?? pair?.key) : (pair?.key ?? pair?.value);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function pairAt(document: Document, path: Path): Partial<Pair> | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) return parent.items.find(({ key }) => isScalar(key) && key.value === last);
  const value = document.getIn(path, true);
  return value === undefined ? undefined : { value };
}
