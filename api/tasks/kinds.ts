import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind } from './kind.ts';

const DIRECTORY = join(import.meta.dirname, 'kinds');

/** Every kind by its name: a new one is a file in `kinds/`. Loading this fails where two have one name. */
export const KINDS: ReadonlyMap<string, Kind> = await load();

async function load(): Promise<Map<string, Kind>> {
  const files = (await readdir(DIRECTORY)).filter((name) => /^[\w-]+\.ts$/.test(name)).sort();
  const modules = await Promise.all(files.map((name) => import(join(DIRECTORY, name))));
  const kinds = new Map(modules.map(({ kind }: { kind: Kind }) => [kind.name, kind]));
  if (kinds.size < files.length) throw new Error(`two of the kinds in ${files.join(', ')} have one name`);
  return kinds;
}
