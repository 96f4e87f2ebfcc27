import type { Attributes, Stat } from '../host.ts';
import { type FileState, planWrite, readFileState } from './file.ts';
import type { Resource } from './resource.ts';

/** Values of `NAME value` lines in a file of the distribution's, such as login.defs; all else in it is left alone. */
export function lineValues(path: string, values: Record<string, string>): Resource<FileState> {
  return {
    id: `values in ${path}`,
    check: (host) => readFileState(host, path),
    plan({ stat, content: before }) {
      // Without the package that it belongs to nothing reads it.
      if (before === null || stat?.type !== 'file') return [];
      const { mode, owner, group } = stat;
      return planWrite(
        { do: 'write', path, content: withValues(before, values), mode, owner, group, before },
        stat,
      );
    },
    inverse: () => ({ stays: `${Object.keys(values).join(', ')} in ${path}` }),
  };
}

/** The text with each name's lines as one, in the place of the first, or at the end where there is none. */
export function withValues(text: string, values: Record<string, string>): string {
  const left = new Map(Object.entries(values));
  const lines = text.split('\n').flatMap((line) => {
    const [, name = ''] = /^([A-Z_]+)\s/.exec(line) ?? [];
    if (!(name in values)) return [line];
    const first = left.delete(name);
    return first ? [`${name}\t${values[name]}`] : [];
  });
  const added = [...left].map(([name, value]) => `${name}\t${value}\n`).join('');
  const kept = lines.join('\n');
  return kept === '' || kept.endsWith('\n') || added === '' ? kept + added : `${kept}\n${added}`;
}

type ModesState = Record<string, Stat | null>;

/** Modes of paths of the distribution's, where they are; none is made. */
export function modes(wanted: Record<string, number>): Resource<ModesState> {
  return {
    id: 'modes of system paths',
    async check(host) {
      const found = Object.keys(wanted).map(async (path) => [path, await host.stat(path)] as const);
      return Object.fromEntries(await Promise.all(found));
    },
    plan: (state) =>
      Object.entries(wanted).flatMap(([path, mode]) => {
        const stat = state[path];
        if (!stat || (stat.type !== 'file' && stat.type !== 'directory') || stat.mode === mode) return [];
        const attributes: Attributes = { mode, owner: stat.owner, group: stat.group };
        return [{ do: 'attributes', path, ...attributes }];
      }),
    inverse: () => ({ stays: `the modes of ${Object.keys(wanted).join(', ')}` }),
  };
}
