import { accountOf } from '../broker/address.ts';
import { standingOf } from '../broker/admit.ts';
import type { LoginResult } from '../broker/login.ts';
import { brokerMarker, brokerUnits } from '../broker/units.ts';
import type { Change } from '../change.ts';
import { decodeEnvironment } from '../environment.ts';
import type { Host } from '../host.ts';
import { runningNumbers } from '../releases/cutover.ts';
import { releasePath, workersNumber, workersUnit } from '../releases/store.ts';
import { standing } from '../releases/stores.ts';
import type { Goal, Resource } from './resource.ts';

const dataDirectory = '/var/lib/rabbitmq/mnesia';

/**
 * An application's own vhost, and a user who may do there what it likes, and nothing elsewhere. That it gets in with its
 * QUEUE_URL is tried, not remembered.
 */
export function vhost(app: string): Resource<LoginResult | null> {
  return {
    id: `vhost ${app}`,
    check: async (host) => standingOf(app, (await host.read(standing(app, 'env'))) ?? ''),
    plan: (result) => (result === 'let in' ? [] : [{ do: 'admit', app }]),
    // It goes with all that RabbitMQ has.
    inverse: () => ({}),
  };
}

type BrokerState = {
  /** Whether an apply of ours has set it up. */
  ours: boolean;
  /** Of its units, those that run or start at boot. */
  units: string[];
  /** Running releases that work with it, e.g. `v3 of api`. */
  users: string[];
};

/**
 * No application's settings ask for RabbitMQ any more: it stops once no release that runs works with it, a warm one
 * neither. What waits in it stays on the disk. Somebody else's is left alone.
 */
export function retiredBroker(apps: string[]): Resource<BrokerState> {
  return {
    id: 'no RabbitMQ',
    async check(host) {
      const { ours, units } = await ownUnits(host);
      const users = units.length === 0 ? [] : await Promise.all(apps.map((app) => usersIn(host, app)));
      return { ours, units, users: users.flat() };
    },
    plan: ({ units, users }) => (users.length === 0 ? stop(units) : []),
    notices: ({ users }) =>
      users.length === 0 ? [] : [`RabbitMQ runs on for ${users.join(', ')}; an apply after that stops it`],
    // It waits for a release to end.
    byHand: () => [],
    inverse: (options) => ({ goal: noBroker(options) }),
  };
}

/** RabbitMQ stands still, and where data go too, what was in it is gone. */
export function noBroker({ purge }: { purge: boolean }): Goal<{
  ours: boolean;
  units: string[];
  data: string[];
}> {
  return {
    id: 'no RabbitMQ',
    check: async (host) => ({ ...(await ownUnits(host)), data: await ownData(host) }),
    plan: ({ ours, units, data }) => [
      ...stop(units),
      ...(ours && purge ? data.map((path): Change => ({ do: 'remove', path })) : []),
    ],
    // Asked once more at the end, when the marker is gone.
    notices: ({ data }) => (data.length > 0 ? [`what waits in RabbitMQ, in ${dataDirectory}`] : []),
  };
}

function stop(units: string[]): Change[] {
  if (units.length === 0) return [];
  return [{ do: 'run', argv: ['systemctl', 'disable', '--now', ...units], action: 'remove' }];
}

async function ownUnits(host: Host): Promise<{ ours: boolean; units: string[] }> {
  if (!(await host.stat(brokerMarker))) return { ours: false, units: [] };
  const states = await Promise.all(brokerUnits.map((unit) => host.facts.unit(unit)));
  const standing = brokerUnits.filter((_, index) => {
    const { active, enabled } = states[index] ?? { active: '', enabled: '' };
    return enabled.startsWith('enabled') || ['active', 'activating', 'reloading'].includes(active);
  });
  return { ours: true, units: standing };
}

/** Of the node `rabbit@localhost`, which is ours; somebody's own, which stands still, may be beside it. */
async function ownData(host: Host): Promise<string[]> {
  const names = (await host.list(dataDirectory)).filter((name) => name.startsWith('rabbit@localhost'));
  return names.map((name) => `${dataDirectory}/${name}`);
}

async function usersIn(host: Host, app: string): Promise<string[]> {
  const [web, workers, unit] = await Promise.all([
    runningNumbers(host, app),
    workersNumber(host, app),
    host.facts.unit(workersUnit(app)),
  ]);
  const numbers = new Set([...web, ...(workers === null || unit.active === 'inactive' ? [] : [workers])]);
  const all = await Promise.all(
    [...numbers].map(async (number) => {
      const env = decodeEnvironment((await host.read(`${releasePath(app, number)}/env`)) ?? '');
      return accountOf(app, env.QUEUE_URL) ? [`v${number} of ${app}`] : [];
    }),
  );
  return all.flat();
}
