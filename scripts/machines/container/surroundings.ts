import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../process.ts';
import type { Surroundings } from './recipe.ts';
import { findMirror } from './sources.ts';

const certificateDirectory = '/usr/local/share/ca-certificates';

/** Reads what a machine needs of this computer to reach the outside as the computer does. */
export async function readSurroundings(): Promise<Surroundings> {
  const dump = await run(['apt-config', 'dump', '--format', '%f "%v";%n']);
  return {
    mirror: findMirror(),
    certificates: readCertificates(certificateDirectory),
    aptSettings: carriedSettings(dump.code === 0 ? dump.stdout : ''),
  };
}

/**
 * Of all of apt's settings only those that decide whether the mirror can be used at all: proxies, and the dates
 * that a mirror frozen at a snapshot cannot meet. Signatures are checked whatever these say.
 */
export function carriedSettings(dump: string): string[] {
  const carried =
    /^Acquire::(?:(?:https?|ftp)::Proxy\b.*|Check-Valid-Until|Check-Date|Max-FutureTime) ".+";$/i;
  return dump.split('\n').filter((line) => carried.test(line));
}

function readCertificates(directory: string): Record<string, string> {
  let names: string[];
  try {
    names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch {
    return {};
  }
  const certificates = names.filter((name) => name.endsWith('.crt')).sort();
  // Flat: two directories may hold one name, and update-ca-certificates looks at the file's name only.
  return Object.fromEntries(
    certificates.map((name) => [name.replaceAll('/', '-'), readFileSync(join(directory, name), 'utf8')]),
  );
}
