import type { Attributes, Host } from './host.ts';

/**
 * What stood at a path before Berth first wrote there, for `berth remove` to put back: one file for each path below
 * `/var/lib/berth/originals`, also where nothing stood.
 */
export type Original = (Attributes & { content: string }) | { target: string } | null;

const directory = '/var/lib/berth/originals';
const entryOf = (path: string) => `${directory}/${encodeURIComponent(path)}`;
const own = { mode: 0o600, owner: 'root', group: 'root' };

/** Keeps what stands there now, unless something was kept before. */
export async function keepOriginal(host: Host, path: string): Promise<void> {
  if (await host.stat(entryOf(path))) return;
  if (!(await host.stat(directory))) await host.must(['mkdir', '-p', '-m', '0700', directory]);
  await host.write(entryOf(path), `${JSON.stringify(await originalAt(host, path))}\n`, own);
}

/** undefined: Berth never wrote there, or did in an earlier version, which kept nothing. */
export async function readOriginal(host: Host, path: string): Promise<Original | undefined> {
  const text = await host.read(entryOf(path));
  return text === null ? undefined : (JSON.parse(text) as Original);
}

/** Whether a text is one of Berth's, where no more than the text is known. */
export function speaksOfBerth(content: string): boolean {
  return /\bberth\b/i.test(content);
}

async function originalAt(host: Host, path: string): Promise<Original> {
  const [stat, content] = await Promise.all([host.stat(path), host.read(path)]);
  if (stat?.target !== undefined) return { target: stat.target };
  // From an earlier version.
  if (stat === null || content === null || speaksOfBerth(content)) return null;
  const { mode, owner, group } = stat;
  return { content, mode, owner, group };
}
