import { createHash } from 'node:crypto';
import type { Host } from './host.ts';

/**
 * Fingerprints of the machine's SSH host keys. It is asked over a connection for which ssh has compared the host key:
 * what it says of itself is so.
 */
export async function hostKeys(host: Host): Promise<string[]> {
  const names = (await host.list('/etc/ssh')).filter((name) => /^ssh_host_\w+_key\.pub$/.test(name));
  const texts = await Promise.all(names.map((name) => host.read(`/etc/ssh/${name}`)));
  return texts.flatMap((text) => fingerprint(text ?? '') ?? []).sort();
}

/** `SHA256:…` as `ssh-keygen -l` prints it, of a line of a `.pub` file. */
export function fingerprint(line: string): string | null {
  const blob = line.trim().split(/\s+/)[1];
  if (blob === undefined) return null;
  const hash = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}
