import { createHash, randomBytes } from 'node:crypto';
import { decodeEnvironment } from '../environment.ts';
import { messageOf } from '../errors.ts';
import type { Host } from '../host.ts';
import { releasePath } from '../releases/store.ts';
import { type Account, accountOf } from './address.ts';
import { type LoginResult, logIn } from './login.ts';
import { brokerMarker, brokerService, mapperSocket } from './units.ts';

/** Whether an application gets in with the QUEUE_URL of this environment; null: it has none of the machine's own. */
export async function standingOf(app: string, env: string): Promise<LoginResult | null> {
  const account = accountOf(app, decodeEnvironment(env).QUEUE_URL);
  return account && logIn({ user: app, password: account.password, vhost: app });
}

/**
 * Sees to it that a release gets in with its QUEUE_URL. An application has one password at a time, and releases may each
 * have another: the one that is to serve is let in, also where another was let in meanwhile and does not stay; and
 * RabbitMQ starts again where no release worked with it any more. One that cannot be let in serves all the same.
 */
export async function letIn(
  host: Host,
  app: string,
  number: number,
  say: (text: string) => void,
): Promise<void> {
  const env = (await host.read(`${releasePath(app, number)}/env`)) ?? '';
  try {
    let result = await standingOf(app, env);
    if (result === 'away' && (await host.stat(brokerMarker))) {
      say('RabbitMQ starts');
      await host.must(['systemctl', 'enable', '--quiet', '--now', mapperSocket, brokerService]);
      result = await standingOf(app, env);
    }
    if (result === 'refused') await admit(host, app, env);
  } catch (error) {
    say(`RabbitMQ does not let v${number} of ${app} in (berth apply): ${messageOf(error)}`);
  }
}

/** Makes an application's vhost, and its user with the password of this environment, or gives it that password. */
export async function admit(host: Host, app: string, env: string): Promise<void> {
  const account = accountOf(app, decodeEnvironment(env).QUEUE_URL);
  if (!account) return;
  // A file: rabbitmqctl of Debian 13 reads no standard input here (rabbitmq-server#13157). It holds no password.
  const path = `/run/berth/broker.${randomBytes(6).toString('hex')}.json`;
  const definitions = JSON.stringify(definitionsOf(account));
  await host.write(path, definitions, { mode: 0o600, owner: 'rabbitmq', group: 'rabbitmq' });
  try {
    const argv = ['rabbitmqctl', '--quiet', 'import_definitions', path];
    await host.must(argv, { user: 'rabbitmq', timeoutMs: 120_000 });
  } finally {
    await host.remove(path);
  }
}

/** https://www.rabbitmq.com/docs/definitions, https://www.rabbitmq.com/docs/passwords#computing-password-hash */
function definitionsOf({ app, password }: Account) {
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(password).digest();
  return {
    vhosts: [{ name: app, default_queue_type: 'quorum', metadata: { default_queue_type: 'quorum' } }],
    users: [
      {
        name: app,
        password_hash: Buffer.concat([salt, hash]).toString('base64'),
        hashing_algorithm: 'rabbit_password_hashing_sha256',
        tags: [],
      },
    ],
    permissions: [{ user: app, vhost: app, configure: '.*', write: '.*', read: '.*' }],
  };
}
