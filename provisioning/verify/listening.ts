import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';
import { servedPorts } from './served-ports.ts';

const strangers = {
  id: 'listening.tcp',
  title: 'nothing but SSH and nginx listens beyond the machine',
  fix: 'stop and disable the service of that program, bind it to 127.0.0.1, or list the port in firewall.allow',
  reference: 'CIS Debian 12 2.1.22',
};
const datagrams = {
  id: 'listening.udp',
  title: 'nothing takes datagrams from beyond the machine',
  fix: 'stop and disable the service of that program, or list the port in firewall.allow',
  reference: 'CIS Debian 12 2.1.22',
};
const expected = {
  id: 'listening.served',
  title: 'SSH and nginx listen on their ports',
  fix: 'berth apply; systemctl status ssh nginx on the machine',
  reference: 'Berth',
};

/** DHCP's client answers on 68 and 546, and takes leases alone. */
const dhcp = [68, 546];

/** The sockets that are bound, by what the kernel says. */
export const listening: Check = { id: 'listening', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const sockets = parseSockets(await host.must(['ss', '-Htulnp']));
  const { needed, isOpen } = servedPorts(settings);
  const outside = sockets.filter(({ address }) => !isLocal(address));
  const strange = (protocol: 'tcp' | 'udp', also: number[]) =>
    outside
      .filter(({ port, ...socket }) => {
        return socket.protocol === protocol && !isOpen(protocol, port) && !also.includes(port);
      })
      .map(({ address, port, program }) => `${address}:${port} (${program})`);
  const missing = needed.filter(
    (port) => !outside.some((socket) => socket.protocol === 'tcp' && socket.port === port),
  );
  return [
    judge(strangers, strange('tcp', []), needed.join(', ')),
    judge(datagrams, strange('udp', dhcp), 'none'),
    judge(
      expected,
      missing.map((port) => `nothing listens on ${port}`),
      needed.join(', '),
    ),
  ];
}

type Socket = { protocol: string; address: string; port: number; program: string };

/** Of `ss -Htulnp`: protocol, state, two queues, local address and port, the peer's, and the program. */
export function parseSockets(text: string): Socket[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [protocol = '', , , , local = ''] = line.trim().split(/\s+/);
      const at = local.lastIndexOf(':');
      const [, program = 'the kernel'] = /users:\(\("([^"]+)"/.exec(line) ?? [];
      return { protocol, address: local.slice(0, at), port: Number(local.slice(at + 1)), program };
    });
}

function isLocal(address: string): boolean {
  const [bare = ''] = address.replaceAll(/[[\]]/g, '').split('%');
  return /^(127\.|::1$|::ffff:127\.)/.test(bare) || address.endsWith('%lo');
}
