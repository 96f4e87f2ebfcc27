import type { Change, WriteChange } from '../change.ts';
import { BerthError } from '../errors.ts';
import type { Attributes, Host, Stat } from '../host.ts';
import { isOurs, type Original, readOriginal } from '../originals.ts';
import type { Goal, Resource } from './resource.ts';

export type FileOptions = Partial<Attributes> & {
  path: string;
  content: string;
} & Pick<WriteChange, 'proof' | 'proofInPlace'>;

export type FileState = { stat: Stat | null; content: string | null };

export async function readFileState(host: Host, path: string): Promise<FileState> {
  const [stat, content] = await Promise.all([host.stat(path), host.read(path)]);
  return { stat, content };
}

/** A regular file with exactly this content; 0644 root:root where not said otherwise. */
export function file(options: FileOptions): Resource<FileState> {
  const { mode = 0o644, owner = 'root', group = 'root', ...rest } = options;
  return {
    id: `file ${options.path}`,
    check: (host) => readFileState(host, options.path),
    plan: ({ stat, content }) =>
      planWrite({ do: 'write', ...rest, mode, owner, group, before: content, keepsOriginal: true }, stat),
    inverse: () => ({ goal: original(options.path, options.content) }),
  };
}

/** What Berth wrote is gone, and what stood there before it is back. */
function original(path: string, ours: string): Goal<FileState & { original: Original | undefined }> {
  return {
    id: `file ${path}`,
    check: async (host) => ({
      ...(await readFileState(host, path)),
      original: await readOriginal(host, path),
    }),
    plan({ stat, content, original }) {
      if (stat?.type === 'directory') return [];
      if (!original) {
        const made = original === null || content === ours || isOurs(path, content ?? '');
        return stat && made ? [{ do: 'remove', path }] : [];
      }
      return planOriginal(path, original, { stat, content });
    },
  };
}

function planOriginal(path: string, original: NonNullable<Original>, { stat, content }: FileState): Change[] {
  if (!('target' in original)) return planWrite({ do: 'write', path, ...original, before: content }, stat);
  const { target } = original;
  return stat?.target === target ? [] : [{ do: 'link', path, target, before: stat?.target ?? null }];
}

/** The changes that bring a file to a content and attributes: none, attributes alone, or a write. */
export function planWrite(wanted: WriteChange, stat: Stat | null): Change[] {
  if (wanted.before !== wanted.content || stat?.type !== 'file') return [wanted];
  return planAttributes(wanted, stat);
}

function planAttributes(wanted: Attributes & { path: string }, stat: Stat): Change[] {
  const { path, mode, owner, group } = wanted;
  const same = stat.mode === mode && stat.owner === owner && stat.group === group;
  return same ? [] : [{ do: 'attributes', path, mode, owner, group }];
}

/** A file that a program appends to: made empty where there is none, so that it has its final mode from the first line. */
export function log(options: { path: string } & Attributes): Resource<Stat | null> {
  const { path } = options;
  return {
    id: `log ${path}`,
    check: (host) => host.stat(path),
    plan(stat) {
      if (stat?.type === 'file') return planAttributes(options, stat);
      if (stat) throw inTheWay(path, stat);
      return [{ do: 'write', ...options, content: '', before: null }];
    },
    inverse: () => ({ goal: gone(path) }),
  };
}

export type DirectoryOptions = Partial<Attributes> & {
  path: string;
  /**
   * Whose that is what it holds: `ours` goes with it when Berth goes, `data` only when it is purged, `theirs` never.
   * Left out: the directory goes once it is empty.
   */
  holds?: 'ours' | 'data' | 'theirs';
};

export function directory({ holds, ...options }: DirectoryOptions): Resource<Stat | null> {
  const wanted = { mode: 0o755, owner: 'root', group: 'root', ...options };
  const { path } = wanted;
  return {
    id: `directory ${path}`,
    check: (host) => host.stat(path),
    plan(stat) {
      if (stat?.type === 'directory') return planAttributes(wanted, stat);
      if (stat) throw inTheWay(path, stat);
      return [{ do: 'mkdir', ...wanted }];
    },
    inverse({ purge }) {
      if (holds === 'theirs') return {};
      return { goal: holds === 'ours' || (holds === 'data' && purge) ? gone(path) : goneIfEmpty(path) };
    },
  };
}

/** Nothing is at this path, whatever was there, with all that it held. */
export function gone(path: string): Goal<Stat | null> {
  return {
    id: `no ${path}`,
    check: (host) => host.stat(path),
    plan: (stat) => (stat ? [{ do: 'remove', path }] : []),
  };
}

type Contents = { there: boolean; names: string[] };

function goneIfEmpty(path: string): Goal<Contents> {
  return {
    id: `no empty ${path}`,
    async check(host) {
      const there = (await host.stat(path))?.type === 'directory';
      return { there, names: there ? await host.list(path) : [] };
    },
    plan: ({ there, names }) =>
      there && names.length === 0 ? [{ do: 'run', argv: ['rmdir', '--', path], action: 'remove' }] : [],
    notices({ names }) {
      const some = names.length > 3 ? [...names.slice(0, 3), '…'] : names;
      return some.length === 0 ? [] : [`${path}, which holds ${some.join(', ')}`];
    },
  };
}

export function link(path: string, target: string): Resource<Stat | null> {
  return {
    id: `link ${path}`,
    check: (host) => host.stat(path),
    plan: (stat) =>
      stat?.target === target ? [] : [{ do: 'link', path, target, before: stat?.target ?? null }],
    inverse: () => ({ goal: gone(path) }),
  };
}

/** A path that must not be there. */
export function absent(path: string): Resource<Stat | null> {
  return { ...gone(path), id: `absent ${path}`, inverse: () => ({}) };
}

/** What the distribution has at this path must not be there; it comes back when Berth goes. */
export function displaced(path: string): Resource<Stat | null> {
  return {
    ...absent(path),
    plan: (stat) => (stat ? [{ do: 'remove', path, keepsOriginal: true }] : []),
    inverse: () => ({ goal: back(path) }),
  };
}

function back(path: string): Goal<{ stat: Stat | null; original: Original | undefined }> {
  return {
    id: `back ${path}`,
    check: async (host) => ({ stat: await host.stat(path), original: await readOriginal(host, path) }),
    plan: ({ stat, original }) =>
      stat || !original ? [] : planOriginal(path, original, { stat, content: null }),
    // An earlier version took it away, or nothing was ever there.
    notices: ({ stat, original }) =>
      stat || original === null ? [] : [`no ${path}: what was there before Berth is not known`],
  };
}

export type BlockOptions = Attributes & {
  path: string;
  /** The lines that stand between the markers. */
  lines: string[];
};

const begin = '# berth: begin (kept by berth apply)';
const end = '# berth: end';

/** A marked block in a file that belongs to somebody else; what stands around it is left alone. */
export function block(options: BlockOptions): Resource<FileState> {
  const { path, lines, mode, owner, group } = options;
  return {
    id: `block in ${path}`,
    check: (host) => readFileState(host, path),
    plan({ stat, content }) {
      if (stat && stat.type !== 'file') throw inTheWay(path, stat);
      const wanted = withBlock(content ?? '', lines);
      return planWrite({ do: 'write', path, content: wanted, mode, owner, group, before: content }, stat);
    },
    inverse: () => ({ goal: noBlock(path) }),
  };
}

function noBlock(path: string): Goal<FileState> {
  return {
    id: `no block in ${path}`,
    check: (host) => readFileState(host, path),
    plan({ stat, content }) {
      if (stat?.type !== 'file' || content === null) return [];
      const { mode, owner, group } = stat;
      const wanted = withoutBlock(content);
      return planWrite({ do: 'write', path, content: wanted, mode, owner, group, before: content }, stat);
    },
  };
}

/** The text with the marked block replaced, or appended where there is none. */
export function withBlock(text: string, lines: string[]): string {
  const body = [begin, ...lines, end, ''].join('\n');
  const place = placeOf(text);
  if (place) return place.before + body + place.after;
  return text + (text === '' || text.endsWith('\n') ? '' : '\n') + body;
}

export function withoutBlock(text: string): string {
  const place = placeOf(text);
  return place ? place.before + place.after : text;
}

function placeOf(text: string): { before: string; after: string } | null {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) return null;
  return { before: text.slice(0, from), after: text.slice(to + end.length).replace(/^\n/, '') };
}

/** Somebody meant something by it: a symlink is not followed, since it may lead anywhere, and nothing is replaced. */
export function inTheWay(path: string, { type }: Stat): BerthError {
  return new BerthError(
    'path_in_the_way',
    `${path} on the machine is a ${type === 'other' ? 'special file' : type}, which Berth neither follows nor replaces`,
    'put what belongs there in its place, or remove it, and run the same command again',
  );
}

/** Files of ours in a directory that are no longer wanted, such as the sudoers drop-in of an earlier admin user. */
export function noOthers(directory: string, pattern: RegExp, wanted: string[]): Resource<string[]> {
  return {
    id: `others in ${directory}`,
    check: async (host) =>
      (await host.list(directory)).filter((name) => pattern.test(name) && !wanted.includes(name)),
    plan: (names) => names.map((name) => ({ do: 'remove', path: `${directory}/${name}` })),
    inverse: () => ({}),
  };
}
