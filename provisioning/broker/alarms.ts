import type { Host } from '../host.ts';
import { brokerService } from './units.ts';

/** What is wrong with RabbitMQ as a whole, by its own word; it takes the seconds that its tools take to start. */
export async function alarms(host: Host): Promise<string[]> {
  const { active } = await host.facts.unit(brokerService);
  if (active === 'activating') return ['RabbitMQ is just starting'];
  if (active !== 'active')
    return [`RabbitMQ does not run (${brokerService} is ${active}); berth apply starts it`];
  const argv = ['rabbitmqctl', '--quiet', 'eval', 'rabbit_alarm:get_alarms().'];
  const { code, stdout, stderr } = await host.run(argv, { user: 'rabbitmq', timeoutMs: 30_000 });
  if (code === 0) return alarmTexts(stdout);
  return [`RabbitMQ does not answer its own tools: ${(stderr || stdout).trim().split('\n')[0] ?? ''}`];
}

/** Of an Erlang list such as `[{{resource_limit,disk,rabbit@localhost},[]}]`. */
export function alarmTexts(said: string): string[] {
  return Object.entries(known).flatMap(([name, text]) => (said.includes(name) ? [text] : []));
}

const known = {
  'resource_limit,memory': 'RabbitMQ has more than its share of the memory, and makes who sends to it wait',
  'resource_limit,disk':
    'RabbitMQ has less than 512 MiB of free disk, and makes who sends to it wait: free some',
  file_descriptor_limit: 'RabbitMQ has no file descriptors left, and takes no more connections',
};
