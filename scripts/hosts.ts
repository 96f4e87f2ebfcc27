import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import type { AutoKind, HostFile } from './settings.ts';
import { nearest } from './suggest.ts';

const directory = 'provisioning/hosts';

/**
 * Reads and validates `provisioning/hosts/<name>.yml` of the checkout `root`. `auto` is what its `machine.kind: auto`
 * stands for.
 * Throws BerthError `unknown_host`, which names those that exist, and `settings_invalid`.
 */
export async function readHostFile(root: string, name: string, auto: AutoKind): Promise<HostFile> {
  const known = hostNames(root);
  if (!known.includes(name)) throw unknownHost(name, known);
  const path = `${directory}/${name}.yml`;
  const { parseHostFile } = await import('./settings.ts');
  return parseHostFile(readFileSync(join(root, path), 'utf8'), { name, path, root, auto });
}

/** The hosts of a checkout: each `provisioning/hosts/<name>.yml` that is named like a host, but the documented example. */
export function hostNames(root: string): string[] {
  const files = existsSync(join(root, directory)) ? readdirSync(join(root, directory)) : [];
  const names = files.map((file) => /^([a-z0-9][a-z0-9-]{0,62})\.yml$/.exec(file)?.[1]);
  return names
    .filter((name) => name !== undefined)
    .filter((name) => name !== 'example')
    .sort();
}

/** The host of a command that names none: the only one that there is, else `local`. */
export function defaultHost(root: string): string {
  const [only, ...others] = hostNames(root);
  return only !== undefined && others.length === 0 ? only : 'local';
}

/** What `--all` stands for, as `--host` would say it. Throws BerthError `unknown_host` where there is none. */
export function everyHost(root: string): string {
  const names = hostNames(root);
  if (names.length > 0) return names.join(',');
  throw new BerthError('unknown_host', `${directory} has no hosts file`, 'make one: berth init <user@host>');
}

function unknownHost(name: string, known: string[]): BerthError {
  const meant = nearest(name, known);
  return new BerthError(
    'unknown_host',
    `unknown host ${JSON.stringify(name)}; ${directory} has: ${known.join(', ') || 'none'}`,
    meant
      ? `did you mean --host ${meant}?`
      : `copy ${directory}/example.yml to ${directory}/<name>.yml for a new host`,
  );
}
