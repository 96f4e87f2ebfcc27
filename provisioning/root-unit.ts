import { render } from './template.ts';

export type RootSandbox = {
  /** What it writes to besides its compile cache, as systemd has it: `-` before what need not be there. */
  writable?: string[];
  /** What of root's powers it needs. */
  capabilities?: string[];
  network?: boolean;
  /** Reads root's home, such as its SSH keys. */
  home?: boolean;
  /** Looks into other users' processes. */
  processes?: boolean;
};

/** A unit of Berth's own that runs as root, with a sandbox that leaves it what it needs. */
export function rootUnit(
  template: string,
  { writable = [], capabilities = [], network = false, home = false, processes = false }: RootSandbox,
  holes: Record<string, string> = {},
): string {
  const sandbox = render('systemd/root-sandbox.conf', {
    writable: writable.join(' '),
    capabilities: capabilities.join(' '),
    home: home ? 'read-only' : 'yes',
    processes: processes ? 'default' : 'invisible',
    families: network ? 'AF_UNIX AF_INET AF_INET6 AF_NETLINK' : 'AF_UNIX AF_NETLINK',
  });
  return render(template, holes) + sandbox;
}
