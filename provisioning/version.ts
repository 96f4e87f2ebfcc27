import { BerthError } from './errors.ts';
import type { Host } from './host.ts';

const path = '/var/lib/berth/version';

/**
 * Refuses a command line that is older than what last changed this machine: it would take newer things back.
 *
 * @throws BerthError `cli_too_old`
 */
export async function requireVersion(host: Host, version: string): Promise<void> {
  const kept = await keptVersion(host);
  if (kept === null || !isOlder(version, kept)) return;
  throw new BerthError(
    'cli_too_old',
    `this is berth ${version}, and the machine was last changed by berth ${kept}`,
    'bring this checkout to that version (git pull), then run the same command again',
  );
}

/** Writes down which version changes this machine now. */
export async function keepVersion(host: Host, version: string): Promise<void> {
  if ((await keptVersion(host)) === version) return;
  await host.write(path, `${version}\n`, { mode: 0o644, owner: 'root', group: 'root' });
}

async function keptVersion(host: Host): Promise<string | null> {
  return (await host.read(path))?.trim() || null;
}

/** By the three numbers of semantic versioning. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number));
  const at = [0, 1, 2].find((index) => one?.[index] !== other?.[index]);
  return at !== undefined && Number(one?.[at] ?? 0) < Number(other?.[at] ?? 0);
}
