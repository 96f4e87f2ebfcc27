import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rm } from 'node:fs/promises';
import type { Host } from './host.ts';

const path = '/var/lib/berth/plan.key';

/**
 * Made once; of two that make it at the same time one wins, and both have that one. Before a plan is made, since its
 * directory is part of the plan of a bare machine.
 */
export async function planKey(host: Host): Promise<Buffer> {
  const known = await host.read(path);
  if (known !== null) return Buffer.from(known.trim(), 'hex');
  await mkdir('/var/lib/berth', { recursive: true, mode: 0o755 });
  const partial = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(partial, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await file.sync();
    await link(partial, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await rm(partial, { force: true });
  }
  return planKey(host);
}
