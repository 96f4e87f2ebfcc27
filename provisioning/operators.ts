import { mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { messageOf } from './errors.ts';
import type { Host } from './host.ts';

const directory = '/var/lib/berth/operators';
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const fail2ban = '/run/fail2ban/fail2ban.sock';

/**
 * Notes the address that an operator logged in from: for a day the firewall does not limit it and fail2ban does not
 * ban it. A file each, whose age counts, is what both go by after a reboot too; the set of the firewall is kept in
 * step. Most calls only look at the file. What goes wrong here ends no request.
 */
export async function welcome(host: Host, from: string | null): Promise<void> {
  const address = addressOf(from ?? '');
  // Only where an apply has begun: a plan of a bare machine leaves nothing there.
  if (address === null || !(await host.stat(dirname(directory)))) return;
  try {
    const seen = await stat(join(directory, address)).catch(unless('ENOENT'));
    if (seen && Math.abs(Date.now() - seen.mtimeMs) < hourMs) return;
    await keep(address);
    await host.run(['nft', '-f', '-'], { input: renewal(address) }).catch(() => {});
    // It may have been banned before it was known.
    if (!seen && (await host.stat(fail2ban)))
      await host.run(['fail2ban-client', 'unban', address], { timeoutMs: 5000 });
  } catch (error) {
    process.stderr.write(`${address} was not noted as an operator's: ${messageOf(error)}\n`);
  }
}

/** As the kernel and fail2ban write it; null: it is none. */
export function addressOf(from: string): string | null {
  const [bare = ''] = from.split('%');
  const address = bare.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(address) === 0) return null;
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

async function keep(address: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch(unless('EEXIST'));
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    // Another request may take it away at the same time.
    const seen = await stat(path).catch(unless('ENOENT'));
    if (seen && Date.now() - seen.mtimeMs > dayMs) await rm(path, { force: true });
  }
  const path = join(directory, address);
  await (await open(path, 'a', 0o600)).close();
  const now = new Date();
  await utimes(path, now, now);
}

function unless(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error;
  };
}

/** `add` alone would leave an element that is there with the time it has left. */
function renewal(address: string): string {
  const element = `element inet berth operators${isIP(address)} { ${address} }`;
  return `add ${element}\ndelete ${element}\nadd ${element}\n`;
}
