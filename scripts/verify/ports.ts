import { connect } from 'node:net';
import { judge, skip } from '../../provisioning/verify/finding.ts';
import { type ServedPorts, servedPorts } from '../../provisioning/verify/served-ports.ts';
import type { OutsideCheck, Target } from './target.ts';

/** What should never answer from outside and often does: other daemons, databases, caches, consoles, development servers. */
const known = [
  ...[
    7, 9, 13, 19, 20, 21, 23, 25, 37, 53, 69, 70, 79, 88, 106, 110, 111, 113, 119, 135, 139, 143, 179, 199,
    389, 427,
  ],
  ...[
    444, 445, 465, 513, 514, 515, 543, 544, 548, 554, 587, 623, 631, 636, 646, 873, 902, 990, 993, 995, 1025,
    1080,
  ],
  ...[
    1099, 1194, 1433, 1521, 1723, 1883, 2000, 2049, 2181, 2222, 2375, 2376, 2379, 2380, 3000, 3001, 3128,
    3268, 3306,
  ],
  ...[
    3389, 4000, 4200, 4222, 4243, 4369, 4444, 4567, 5000, 5001, 5060, 5173, 5222, 5353, 5355, 5432, 5433,
    5601, 5672,
  ],
  ...[
    5900, 5901, 5984, 6000, 6379, 6432, 6443, 6667, 7000, 7001, 7070, 7443, 7946, 8000, 8001, 8008, 8009,
    8080, 8081,
  ],
  ...[
    8086, 8088, 8090, 8123, 8161, 8200, 8300, 8443, 8500, 8545, 8600, 8686, 8888, 9000, 9001, 9042, 9090,
    9091, 9092,
  ],
  ...[
    9093, 9100, 9113, 9187, 9200, 9229, 9300, 9418, 9443, 9615, 9999, 10000, 10250, 11211, 15672, 16379,
    19999, 25672,
  ],
  ...[26379, 27017, 28017, 32768, 49152, 50000, 50070, 61616],
];

/** A first SYN that is lost is sent again after 1 s (RFC 6298). */
const timeoutMs = 1500;
const atOnce = 2000;
/** Of this computer, not of the machine: a port that was not tried is not closed. */
const ours = ['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'ENETUNREACH'];

/** Which TCP ports let us in, by trying. */
export const ports: OutsideCheck = { id: 'ports', run };

async function run(target: Target) {
  const { needed, isOpen: isAllowed } = outerPorts(target);
  const { vagrant } = target.reach;
  const all = target.allPorts ? Array.from({ length: 65_535 }, (_, index) => index + 1) : known;
  const tried = [...new Set([...needed, ...(vagrant ? [] : all)])];
  const open = await openPorts(target.address, tried, (port) => (needed.includes(port) ? 5000 : timeoutMs));
  const rule = {
    fix: 'berth apply; sudo ss -tlnp on the machine names the program',
    reference: 'CIS Debian 12 2.1.22',
  };
  const openRule = { id: 'ports.open', title: 'no other TCP port is open', ...rule };
  const unexpected = open.filter((port) => !isAllowed('tcp', port));
  return [
    vagrant
      ? skip(openRule, `Vagrant forwards from ${target.address}, whose other ports are this computer's own`)
      : judge(
          openRule,
          unexpected.map((port) => `${port} is open`),
          `${tried.length} tried, open: ${open.join(', ')}`,
        ),
    judge(
      { id: 'ports.served', title: 'SSH, HTTP and HTTPS can be reached', ...rule, reference: 'Berth' },
      needed.filter((port) => !open.includes(port)).map((port) => `${port} does not answer`),
      needed.join(', '),
    ),
  ];
}

/** As they are seen from here, where a forward may change them. */
export function outerPorts({
  settings,
  route,
  reach,
}: Pick<Target, 'settings' | 'route' | 'reach'>): ServedPorts {
  const { httpPort, publicHttpsPort } = settings.nginx;
  // Vagrant's way to sshd may lead to another address.
  const needed = reach.vagrant
    ? [reach.vagrant.httpPort, publicHttpsPort]
    : [route.sshPort, httpPort, publicHttpsPort];
  const { isOpen } = servedPorts(settings);
  return {
    needed,
    isOpen: (protocol, port) => (protocol === 'tcp' && needed.includes(port)) || isOpen(protocol, port),
  };
}

async function openPorts(address: string, all: number[], timeoutMs: (port: number) => number) {
  const waiting = [...all];
  const open: number[] = [];
  const work = async () => {
    for (let port = waiting.pop(); port !== undefined; port = waiting.pop()) {
      if (await isOpen(address, port, timeoutMs(port))) open.push(port);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return open.sort((a, b) => a - b);
}

function isOpen(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      ours.includes(error.code ?? '') ? reject(error) : end(false),
    );
    // On a busy computer the answer may lie there unread when the time is over: it is looked at first.
    socket.once('timeout', () => setImmediate(() => end(false)));
  });
}
