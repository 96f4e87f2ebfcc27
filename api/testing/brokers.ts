import { hasRabbitmq, useRabbitmq } from './rabbitmq.ts';

/** Every broker that a test of tasks runs with; `url`: a QUEUE_URL for it alone. */
export const BROKERS: {
  name: 'postgres' | 'rabbitmq';
  isHere: boolean;
  url(): Promise<string | undefined>;
}[] = [
  { name: 'postgres', isHere: true, url: async () => undefined },
  { name: 'rabbitmq', isHere: hasRabbitmq, url: async () => (await useRabbitmq()).newVhost() },
];
