import type { Settings } from '../settings.ts';

export type ServedPorts = {
  /** TCP ports that must answer: SSH, HTTP, HTTPS. */
  needed: number[];
  /** Whether the settings open it, by these or by `firewall.allow`. */
  isOpen(protocol: 'tcp' | 'udp', port: number): boolean;
};

export function servedPorts({ ssh, nginx, firewall }: Settings): ServedPorts {
  const needed = [ssh.port, nginx.httpPort, nginx.httpsPort];
  const allowed = firewall.allow.map((entry) => {
    const [ports = '', protocol] = entry.split('/');
    const [from = 0, to = from] = ports.split('-').map(Number);
    return { protocol, from, to };
  });
  return {
    needed,
    isOpen: (protocol, port) =>
      (protocol === 'tcp' && needed.includes(port)) ||
      allowed.some((each) => each.protocol === protocol && each.from <= port && port <= each.to),
  };
}
