import type { Host } from '../host.ts';

/** What everybody may read of Berth's own files: no secret, and read by who is not root. */
const published = [
  '/etc/berth/tls/acme-ca.pem',
  '/etc/berth/tls/ca.pem',
  '/etc/berth/maintenance/',
  '/etc/berth/firewall.nft',
  '/etc/berth/firewall.sh',
  '/var/lib/berth/updates.json',
  '/var/lib/berth/version',
];

export function isPublished(path: string): boolean {
  return published.some((open) => path === open || (open.endsWith('/') && path.startsWith(open)));
}

/** All files of Berth's settings and state as root finds them; `closed`: also below directories that only root enters. */
export async function ownFiles(host: Host, { closed }: { closed: boolean }): Promise<string[]> {
  const skipped = closed ? [] : ['-type', 'd', '!', '-perm', '/077', '-prune', '-o'];
  const roots = ['/etc/berth', '/var/lib/berth'];
  // Exit code 1 also says that a file went away meanwhile.
  const { stdout } = await host.run(['find', ...roots, '-xdev', ...skipped, '-type', 'f', '-print0']);
  return stdout.split('\0').filter(Boolean);
}
