import type { Settings } from '../settings.ts';
import { render } from '../template.ts';

/** The applications whose tasks wait in the machine's RabbitMQ. */
export function appsOfBroker({ apps }: Pick<Settings, 'apps'>): string[] {
  return Object.values(apps).flatMap(({ name, queue }) => (queue === 'rabbitmq' ? [name] : []));
}

/** Measured idle: 115 MiB on Debian 12, 130 MiB on Debian 13. */
const leastMiB = 256;

/**
 * How much memory RabbitMQ takes before it makes publishers wait. It holds pointers to tasks, not the tasks: an eighth
 * of the machine is plenty.
 */
export function watermarkMiB(memoryMiB: number): number {
  return Math.max(leastMiB, Math.min(2048, Math.floor(memoryMiB / 8)));
}

/** How much of the machine's memory is RabbitMQ's. */
export function brokerMemoryMiB(settings: Pick<Settings, 'apps'>, memoryMiB: number): number {
  return appsOfBroker(settings).length > 0 ? watermarkMiB(memoryMiB) : 0;
}

/** The files that RabbitMQ goes by, path → content; all of them are read at its start alone. */
export function brokerFiles(memoryMiB: number): Record<string, string> {
  const watermark = watermarkMiB(memoryMiB);
  return {
    '/etc/rabbitmq/rabbitmq-env.conf': render('provisioning/files/rabbitmq-env.conf'),
    '/etc/rabbitmq/rabbitmq.conf': render('provisioning/files/rabbitmq.conf', {
      watermark,
      // Quorum queues have what their log holds in memory too: the manual asks for three times as much.
      logBytes: Math.floor(watermark / 4) * 1024 ** 2,
    }),
    '/etc/rabbitmq/no_plugins': '[].\n',
    '/etc/rabbitmq/definitions.json': '{}\n',
  };
}
