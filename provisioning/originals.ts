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

/**
 * Whether what stands there is Berth's, also an earlier version's that kept no original. The word alone says nothing: a
 * machine or a company may be called so.
 */
export function isOurs(path: string, content: string): boolean {
  return ownPath.test(path) || ownText.test(content);
}

/** `/etc/nginx/conf.d/berth-api.conf`, `/etc/berth/settings.json`. */
const ownPath = /^\/(etc|var)\/(.*\/)?berth([./-]|$)/;
/** The mark of most files; then what only the units and tmpfiles.d of an application say. */
const ownText = /Kept by berth apply|`berth logs`|\/var\/cache\/berth\b|\bberth-web\b/;

async function originalAt(host: Host, path: string): Promise<Original> {
  const [stat, content] = await Promise.all([host.stat(path), host.read(path)]);
  if (stat?.target !== undefined) return { target: stat.target };
  // From an earlier version.
  if (stat === null || content === null || isOurs(path, content)) return null;
  const { mode, owner, group } = stat;
  return { content, mode, owner, group };
}
