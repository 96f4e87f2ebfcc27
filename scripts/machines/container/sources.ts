import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of apt's sources: what `deb URI SUITE COMPONENT…` says. */
export type Source = { uri: string; suite: string; components: string[]; signedBy?: string };

/** Where this computer gets Debian from. */
export type Mirror = { main: string; security?: string };

const codenames = /^(bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)$/;

/**
 * The computer's own Debian mirror; undefined where it has none (Ubuntu, Fedora): mmdebstrap knows one itself.
 * `directory` is where apt keeps its configuration.
 */
export function findMirror(directory = '/etc/apt'): Mirror | undefined {
  return chooseMirror(readSources(directory));
}

/**
 * Other repositories use Debian's suite names too. Debian's own has `main`, and usually also `<suite>-updates`, a
 * path that ends in `debian` and Debian's keyring: the entry with most of these is taken.
 */
export function chooseMirror(sources: Source[]): Mirror | undefined {
  const score = ({ uri, suite, signedBy }: Source) =>
    (sources.some((other) => other.uri === uri && other.suite === `${suite}-updates`) ? 4 : 0) +
    (signedBy?.includes('debian-archive') ? 2 : 0) +
    (/\/debian\/?$/.test(uri) ? 1 : 0);
  const [best] = sources
    .filter(({ suite, components }) => codenames.test(suite) && components.includes('main'))
    .map((source) => ({ source, score: score(source) }))
    .filter((candidate) => candidate.score > 0)
    .sort((a, b) => b.score - a.score);
  if (best === undefined) return undefined;
  const security = sources.find(({ suite }) => suite === `${best.source.suite}-security`);
  return { main: best.source.uri, ...(security === undefined ? {} : { security: security.uri }) };
}

/** `one-line` sources: `deb [option=value …] URI SUITE COMPONENT…`. */
export function parseList(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
    return [{ uri, suite, components: words(components), ...(signedBy === undefined ? {} : { signedBy }) }];
  });
}

/** deb822 sources: stanzas of `Field: value`, continued by indented lines. */
export function parseDeb822(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = parseStanza(stanza);
    if (fields.enabled?.toLowerCase() === 'no' || !words(fields.types).includes('deb')) return [];
    const signedBy = fields['signed-by'];
    return words(fields.uris).flatMap((uri) =>
      words(fields.suites).map((suite) => ({
        uri,
        suite,
        components: words(fields.components),
        ...(signedBy === undefined ? {} : { signedBy }),
      })),
    );
  });
}

function parseStanza(stanza: string): Record<string, string | undefined> {
  const lines = stanza.split('\n').filter((line) => !line.startsWith('#'));
  const joined = lines.join('\n').replace(/\n[ \t]+/g, ' ');
  const pairs = [...joined.matchAll(/^([\w-]+):[ \t]*(.*)$/gm)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name.toLowerCase(), value]));
}

function readSources(directory: string): Source[] {
  const parts = join(directory, 'sources.list.d');
  return [
    ...parseList(readIfThere(join(directory, 'sources.list'))),
    ...filesIn(parts, '.list').flatMap((file) => parseList(readIfThere(file))),
    ...filesIn(parts, '.sources').flatMap((file) => parseDeb822(readIfThere(file))),
  ];
}

function filesIn(directory: string, extension: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith(extension));
    return names.sort().map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function words(text = ''): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
