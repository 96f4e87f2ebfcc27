import { join } from 'node:path';
import type { Host } from '../host.ts';
import { inTheWay } from '../resources/file.ts';
import type { Risk } from '../resources/resource.ts';

const root = { owner: 'root', group: 'root' };

/**
 * Writes down, below `into`, how the paths are now and what tells programs of it, as `undo.sh` reads it: `absent` (the
 * paths where nothing stands, the last first), `present` (the others; directories without what is in them), `files`
 * (copies with mode, owner and times), `restore` (a word a line, an empty line after each command).
 */
export async function save(host: Host, risks: Risk[], into: string): Promise<void> {
  const paths = await expanded(
    host,
    risks.flatMap(({ paths }) => paths),
  );
  const absent: string[] = [];
  const present: string[] = [];
  await host.mkdir(join(into, 'files'), { ...root, mode: 0o700 });
  for (const [index, path] of paths.entries()) {
    const found = await host.stat(path);
    if (!found) absent.unshift(path);
    else if (found.type === 'directory')
      present.push(`directory ${found.mode.toString(8)} ${found.owner}:${found.group} ${path}`);
    else if (found.type === 'other') throw inTheWay(path, found);
    else {
      await host.must([
        'cp',
        '--archive',
        '--no-target-directory',
        '--',
        path,
        join(into, 'files', `${index}`),
      ]);
      present.push(`file ${index} - ${path}`);
    }
  }
  const commands = new Map(risks.flatMap(({ restore }) => restore).map((argv) => [argv.join('\0'), argv]));
  const lists = {
    absent: lines(absent),
    present: lines(present),
    restore: [...commands.values()].map((argv) => `${lines(argv)}\n`).join(''),
  };
  for (const [name, content] of Object.entries(lists))
    await host.write(join(into, name), content, { ...root, mode: 0o600 });
}

async function expanded(host: Host, paths: string[]): Promise<string[]> {
  const all = paths.map(async (path) => {
    if (!path.endsWith('/*')) return [path];
    const directory = path.slice(0, -2);
    return (await host.list(directory)).sort().map((name) => join(directory, name));
  });
  return [...new Set((await Promise.all(all)).flat())];
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
