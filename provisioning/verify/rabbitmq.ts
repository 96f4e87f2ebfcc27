import { type Account, accountOf } from '../broker/address.ts';
import { alarms } from '../broker/alarms.ts';
import { appsOfBroker } from '../broker/conf.ts';
import { type Login, logIn } from '../broker/login.ts';
import { decodeEnvironment } from '../environment.ts';
import type { Host } from '../host.ts';
import { standing } from '../releases/stores.ts';
import type { Check, Finding, Rule, Subject } from './finding.ts';
import { advise, judge, weigh } from './finding.ts';

const rule = (what: string, title: string, fix: string): Rule => ({
  id: `rabbitmq.${what}`,
  title,
  fix,
  reference: 'RabbitMQ manual, access control',
});
const rules = {
  users: rule(
    'users',
    'RabbitMQ has the applications’ users alone, and none with power over it',
    'sudo rabbitmqctl delete_user <name>, or set_user_tags <name>',
  ),
  refused: rule(
    'refused',
    'RabbitMQ refuses who is not its user',
    'sudo rabbitmqctl list_permissions -p <vhost>',
  ),
  admitted: rule('admitted', 'each application gets in to its own vhost', 'berth apply'),
  alarms: rule('alarms', 'RabbitMQ has the memory and the disk that it needs', 'berth queue; berth status'),
};

/** Whom RabbitMQ knows, and whom it really lets in. */
export const rabbitmq: Check = { id: 'rabbitmq', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const apps = appsOfBroker(settings);
  if (apps.length === 0) return [];
  const accounts = await Promise.all(apps.map((app) => readAccount(host, app)));
  const [users, intruders, outside, complaints] = await Promise.all([
    listUsers(host),
    enter(accounts),
    Promise.all(accounts.map(lockedOut)),
    alarms(host),
  ]);
  const named = (some: User[]) => some.map(({ user, tags }) => [user, ...tags].join(' '));
  const isMighty = ({ user, tags }: User) => user === 'guest' || tags.length > 0;
  const isStrange = ({ user }: User) => !Object.hasOwn(settings.apps, user);
  return [
    weigh(
      rules.users,
      named(users.filter(isMighty)),
      named(users.filter((user) => isStrange(user) && !isMighty(user))),
      named(users).join(', '),
    ),
    judge(rules.refused, intruders, `guest, wrong passwords, and ${apps.join(', ')} elsewhere`),
    judge(rules.admitted, outside.flat(), apps.join(', ')),
    advise(rules.alarms, complaints, 'no alarm'),
  ];
}

/** One without a QUEUE_URL has the password of nobody. */
async function readAccount(host: Host, app: string): Promise<Account> {
  const { QUEUE_URL } = decodeEnvironment((await host.read(standing(app, 'env'))) ?? '');
  return accountOf(app, QUEUE_URL) ?? { app, password: '' };
}

type User = { user: string; tags: string[] };

async function listUsers(host: Host): Promise<User[]> {
  const argv = ['rabbitmqctl', '--quiet', 'list_users', '--formatter', 'json'];
  return JSON.parse(await host.must(argv, { user: 'rabbitmq', timeoutMs: 30_000 })) as User[];
}

async function lockedOut({ app, password }: Account): Promise<string[]> {
  const result = await logIn({ user: app, password, vhost: app });
  return result === 'let in' ? [] : [`${app}: ${result}`];
}

/** Tries to come in: as the user that RabbitMQ makes by itself, by a wrong password, and where another is at home. */
async function enter(accounts: Account[]): Promise<string[]> {
  const vhosts = accounts.map(({ app }) => app);
  const tries: Login[] = [
    ...['/', ...vhosts].map((vhost) => ({ user: 'guest', password: 'guest', vhost })),
    ...vhosts.flatMap((app) => ['', app].map((password) => ({ user: app, password, vhost: app }))),
    ...accounts.flatMap(({ app, password }) =>
      ['/', ...vhosts.filter((other) => other !== app)].map((vhost) => ({ user: app, password, vhost })),
    ),
  ];
  const entered = await Promise.all(
    tries.map(async (login) =>
      (await logIn(login)) === 'let in' ? [`${login.user} is let in to ${login.vhost}`] : [],
    ),
  );
  return [...new Set(entered.flat())];
}
