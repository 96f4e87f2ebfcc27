import { statfs } from 'node:fs/promises';
import { brokerPorts } from './broker/address.ts';
import { appsOfBroker } from './broker/conf.ts';
import { brokerMarker, brokerService } from './broker/units.ts';
import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { requireNames } from './names.ts';
import type { Settings } from './settings.ts';

const needed = { diskMiB: 1024, memoryMiB: 450, withBrokerMiB: 900 };

/**
 * What must hold before anything is changed.
 *
 * @throws BerthError `unsupported_distribution`, `memory_short`, `disk_short`, `name_taken`, `port_taken`,
 * `broker_taken`
 */
export async function preflight(host: Host, settings: Settings): Promise<void> {
  await host.facts.platform();
  if (host.memoryMiB < needed.memoryMiB) {
    throw new BerthError(
      'memory_short',
      `the machine has ${host.memoryMiB} MiB of memory, Berth needs ${needed.memoryMiB}`,
      'give the machine more memory',
    );
  }
  const { bavail, bsize } = await statfs('/var');
  const freeMiB = Math.floor((bavail * bsize) / 1024 ** 2);
  if (freeMiB < needed.diskMiB) {
    throw new BerthError(
      'disk_short',
      `the machine has ${freeMiB} MiB of free disk in /var, Berth needs ${needed.diskMiB}`,
      'free some space or give it a larger disk',
    );
  }
  await requireNames(host, settings);
  const { httpPort, httpsPort } = settings.nginx;
  const set = 'set another port in the hosts file (nginx.http_port, nginx.https_port)';
  await requirePorts(host, [httpPort, httpsPort], { program: 'nginx', otherwise: set });
  if (appsOfBroker(settings).length > 0) await requireBroker(host, settings);
}

/** Somebody's own RabbitMQ would get other settings, and another name under which it has no data. */
async function requireBroker(host: Host, settings: Settings): Promise<void> {
  const without = 'leave out queue: rabbitmq: tasks wait in the database then';
  const memoryMiB = Math.min(settings.memoryMiB ?? host.memoryMiB, host.memoryMiB);
  if (memoryMiB < needed.withBrokerMiB) {
    throw new BerthError(
      'memory_short',
      `the machine has ${memoryMiB} MiB of memory, with RabbitMQ it needs ${needed.withBrokerMiB}`,
      `give the machine more memory, or ${without}`,
    );
  }
  if (await host.stat(brokerMarker)) return;
  const { active, enabled } = await host.facts.unit(brokerService);
  if (active === 'active' || enabled.startsWith('enabled')) {
    throw new BerthError(
      'broker_taken',
      'the machine has a RabbitMQ already, which Berth has not set up',
      `take it elsewhere and stop it for good (systemctl disable --now ${brokerService}), or ${without}`,
    );
  }
  await requirePorts(host, brokerPorts, { program: 'beam.smp', otherwise: without });
}

type Expected = { program: string; otherwise: string };

async function requirePorts(host: Host, ports: number[], { program, otherwise }: Expected): Promise<void> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => host.read(path)));
  const taken = ports.filter((port) => tables.some((table) => listens(table ?? '', port)));
  if (taken.length === 0) return;
  const { stdout } = await host.run([
    'ss',
    '--no-header',
    '--listening',
    '--numeric',
    '--tcp',
    '--processes',
  ]);
  for (const port of taken) {
    const lines = stdout.split('\n').filter((line) => line.split(/\s+/)[3]?.endsWith(`:${port}`));
    const owners = lines.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((found) => found[1]));
    if (owners.every((name) => name === program)) continue;
    throw new BerthError(
      'port_taken',
      `port ${port} of the machine is taken by ${[...new Set(owners)].join(', ')}`,
      `stop it, or ${otherwise}`,
    );
  }
}

/** Whether /proc/net/tcp shows a listening socket (state 0A) on this port. */
export function listens(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === '0A' && local.endsWith(`:${hex}`);
  });
}
