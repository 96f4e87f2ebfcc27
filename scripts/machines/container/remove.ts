import { lstatSync, readFileSync } from 'node:fs';
import { runChecked } from '../../process.ts';
import { confined } from './confined.ts';

/** Unmounts everything at and below a path. */
export async function unmountBelow(path: string): Promise<void> {
  for (const mount of mountsBelow(path, readFileSync('/proc/self/mountinfo', 'utf8'))) {
    await runChecked(['umount', '--', mount]);
  }
}

/** Deletes a tree without following a symlink or leaving the file system; what is mounted in it is unmounted first. */
export async function removeTree(path: string): Promise<void> {
  await unmountBelow(path);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  await runChecked(confined(['rm', '--recursive', '--force', '--one-file-system', '--', path]));
}

/** Mount points at and below a path, the deepest and latest first. */
export function mountsBelow(path: string, mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => decoded(line.split(' ')[4] ?? ''))
    .filter((mount) => mount === path || mount.startsWith(`${path}/`))
    .reverse();
}

/** The kernel writes space, tab, newline and backslash as octal numbers. */
function decoded(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
