import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AutoKind } from '../settings.ts';

/** Which kind of machine of this name there is on this computer; undefined: none that Berth knows of. */
export function kindHere(stateDirectory: string, name: string): AutoKind | undefined {
  const has = (file: string) => existsSync(join(stateDirectory, 'machines', name, file));
  if (has('vagrant.json')) return 'vagrant';
  return has('machine.json') ? 'container' : undefined;
}
