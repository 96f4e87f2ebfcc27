import type { Change, WriteChange } from '../change.ts';
import { BerthError } from '../errors.ts';
import type { Attributes, Host, Stat } from '../host.ts';
import type { Resource } from './resource.ts';

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
      planWrite({ do: 'write', ...rest, mode, owner, group, before: content }, stat),
  };
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

export function directory(options: { path: string } & Partial<Attributes>): Resource<Stat | null> {
  const wanted = { mode: 0o755, owner: 'root', group: 'root', ...options };
  return {
    id: `directory ${options.path}`,
    check: (host) => host.stat(options.path),
    plan(stat) {
      if (stat?.type === 'directory') return planAttributes(wanted, stat);
      if (stat) throw inTheWay(options.path, stat);
      return [{ do: 'mkdir', ...wanted }];
    },
  };
}

export function link(path: string, target: string): Resource<Stat | null> {
  return {
    id: `link ${path}`,
    check: (host) => host.stat(path),
    plan: (stat) =>
      stat?.target === target ? [] : [{ do: 'link', path, target, before: stat?.target ?? null }],
  };
}

/** A path that must not be there. */
export function absent(path: string): Resource<Stat | null> {
  return {
    id: `absent ${path}`,
    check: (host) => host.stat(path),
    plan: (stat) => (stat ? [{ do: 'remove', path }] : []),
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
  };
}

/** The text with the marked block replaced, or appended where there is none. */
export function withBlock(text: string, lines: string[]): string {
  const body = [begin, ...lines, end, ''].join('\n');
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from >= 0 && to >= 0)
    return text.slice(0, from) + body + text.slice(to + end.length).replace(/^\n/, '');
  return text + (text === '' || text.endsWith('\n') ? '' : '\n') + body;
}

/** Somebody meant something by it: a symlink is not followed, since it may lead anywhere, and nothing is replaced. */
export function inTheWay(path: string, { type }: Stat): BerthError {
  return new BerthError(
    'path_in_the_way',
    `${path} on the machine is a ${type === 'other' ? 'special file' : type}, which Berth neither follows nor replaces`,
    'put what belongs there in its place, or remove it, and run the same command again',
  );
}
