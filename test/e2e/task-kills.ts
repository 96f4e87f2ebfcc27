import type { Checkout } from './checkout.ts';
import { commandOf, killAll, processesOf } from './kill.ts';

/** What tasks hang on: the unit that it is (a beginning of its name), and which of its processes. */
const PARTS = {
  web: { unit: 'api@', command: /api\/server\.ts/ },
  worker: { unit: 'api-workers.service', command: /api\/worker\.ts/ },
  broker: { unit: 'rabbitmq-server.service', command: /./ },
  database: { unit: 'postgresql@', command: /./ },
} as const;

export type Part = keyof typeof PARTS;

/** SIGKILL to all processes of a part at once; pm2 and systemd start them again. Returns how many there were. */
export function killPart(checkout: Checkout, part: Part): number {
  const { unit, command } = PARTS[part];
  const pids = processesOf(checkout, unit).filter((pid) => command.test(commandOf(pid)));
  killAll(pids);
  return pids.length;
}
