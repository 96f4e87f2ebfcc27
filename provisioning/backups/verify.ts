import type { Host } from '../host.ts';
import { measure } from './capture.ts';
import { damaged, type Manifest, readSums } from './store.ts';

/**
 * Reads every file of a backup and compares it with what was written.
 *
 * @throws BerthError `backup_damaged` with the file's name
 */
export async function verifyFiles(host: Host, path: string, manifest: Manifest): Promise<void> {
  const sums = await readSums(host, path);
  if (!sums) throw damaged(manifest.id, 'SHA256SUMS', 'is not there or cannot be read');
  const itself = await measure(`${path}/manifest.json`);
  if (sums.get('manifest.json') !== itself.sha256) {
    throw damaged(manifest.id, 'manifest.json', 'is not what SHA256SUMS says');
  }
  for (const { name, bytes, sha256 } of manifest.files) {
    const stat = await host.stat(`${path}/${name}`);
    if (stat?.type !== 'file') throw damaged(manifest.id, name, 'is missing');
    if (stat.size !== bytes) throw damaged(manifest.id, name, `has ${stat.size} bytes instead of ${bytes}`);
    if ((await measure(`${path}/${name}`)).sha256 !== sha256) {
      throw damaged(manifest.id, name, `was altered: it has its ${bytes} bytes, but another SHA-256`);
    }
  }
}
