import { createHash } from 'node:crypto';
import type { Host } from '../host.ts';
import type { AdminSettings } from '../settings.ts';

/**
 * Who pushes: the comment of the SSH key that they signed in with, else the user and the address. sshd tells a
 * session nothing of its key, but writes its fingerprint down with the connection's port.
 */
export async function pusher(host: Host, admin: AdminSettings, connection: string): Promise<string> {
  const [address = '', port = ''] = connection.split(' ');
  const fallback = `${admin.user}@${address || 'localhost'}`.replace(/[^\w.:@-]/g, '_');
  if (!/^[0-9a-f.:]+$/i.test(address) || !/^\d+$/.test(port)) return fallback;
  const { stdout } = await host.run([
    ...['journalctl', '--quiet', '--no-pager', '--output=cat', '--reverse', '--lines=1', '--since=-1d'],
    // What the kernel says of who wrote a line: an identifier is what anyone gives it.
    ...['_UID=0', '_COMM=sshd', '_COMM=sshd-session'],
    `--grep=^Accepted publickey for ${admin.user} from ${address.replaceAll('.', '\\.')} port ${port} `,
  ]);
  const comment = commentOf(admin.keys, stdout.match(/ SHA256:([A-Za-z0-9+/]+)/)?.[1]);
  return comment?.replace(/[^\w.@-]/g, '_') || fallback;
}

/** The comment of the key with this fingerprint: SHA-256 of its blob in base64, without padding. */
export function commentOf(keys: string[], fingerprint: string | undefined): string | undefined {
  const found = keys.find((key) => {
    const blob = Buffer.from(key.match(/AAAA[A-Za-z0-9+/=]+/)?.[0] ?? '', 'base64');
    return createHash('sha256').update(blob).digest('base64').replace(/=+$/, '') === fingerprint;
  });
  return found?.split(/AAAA[A-Za-z0-9+/=]+/)[1]?.trim();
}
