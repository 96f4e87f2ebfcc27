import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** A path without symlinks, though its end need not exist yet: a checkout has one name however one got there. */
export function canonical(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) return realpathSync(absolute);
  return join(canonical(dirname(absolute)), basename(absolute));
}
