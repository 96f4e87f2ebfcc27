import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import amqp from 'amqplib';

/** Of Debian's package: the programs themselves, which take the account and the directories that they are given. */
const [BIN = ''] = globSync('/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin');

/** Whether this computer has RabbitMQ. */
export const hasRabbitmq = BIN !== '';

/** A RabbitMQ of its own: all that it has is in a directory that leaves with it. */
export interface TestRabbitmq {
  /** The URL of a virtual host that nobody has used. */
  newVhost(): string;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Neither answers nor breaks a connection until {@link thaw}. */
  freeze(): void;
  thaw(): void;
}

/** Made beforehand: rabbitmqctl takes seconds for each. */
const VHOSTS = Array.from({ length: 20 }, (_, n) => `test-${n}`);

let shared: Promise<TestRabbitmq & { end(): Promise<void> }> | undefined;

after('stop RabbitMQ', async () => {
  await (await shared)?.end();
});

/** One for the whole run. */
export async function useRabbitmq(): Promise<TestRabbitmq> {
  shared ??= create();
  return shared;
}

async function create() {
  const directory = await mkdtemp(join(tmpdir(), 'rabbitmq-test-'));
  const [port, distribution] = [await freePort(), await freePort()];
  const name = `test-${process.pid}`;
  const definitions = join(directory, 'definitions.json');
  const settings = {
    'listeners.tcp.default': `127.0.0.1:${port}`,
    'log.console': 'false',
    load_definitions: definitions,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  await writeFile(join(directory, 'rabbitmq.conf'), lines.join(''));
  await writeFile(definitions, JSON.stringify(definitionsOf(VHOSTS)));
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_BASE: directory,
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP: '/dev/null',
    // One scheduler and no busy waiting: it shares the computer with the tests.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
  const url = `amqp://test:test@127.0.0.1:${port}`;
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    server = spawn(join(BIN, 'rabbitmq-server'), [], {
      env,
      cwd: directory,
      stdio: 'ignore',
      detached: true,
    });
    const ended = once(server, 'exit');
    await Promise.race([
      answering(`${url}/${VHOSTS[0]}`),
      ended.then(() => {
        throw new Error('RabbitMQ has ended');
      }),
    ]);
  }

  async function kill(): Promise<void> {
    if (server?.pid === undefined || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    // The whole group: it is started by a shell.
    process.kill(-server.pid, 'SIGKILL');
    await ended;
  }

  const signal = (name: NodeJS.Signals) => process.kill(-(server?.pid as number), name);

  const left = [...VHOSTS];
  function newVhost(): string {
    const vhost = left.pop();
    if (!vhost) throw new Error('there are no virtual hosts left: raise their number');
    return `${url}/${vhost}`;
  }

  await start();
  const end = async () => {
    await kill();
    await rm(directory, { recursive: true });
  };
  const freeze = () => void signal('SIGSTOP');
  const thaw = () => void signal('SIGCONT');
  return { newVhost, start, kill, freeze, thaw, end };
}

function definitionsOf(vhosts: string[]) {
  const all = { configure: '.*', write: '.*', read: '.*' };
  return {
    users: [{ name: 'test', password: 'test', tags: '' }],
    vhosts: vhosts.map((name) => ({ name })),
    permissions: vhosts.map((vhost) => ({ user: 'test', vhost, ...all })),
  };
}

/** Until it takes a connection: it does so last. */
async function answering(url: string): Promise<void> {
  const connection = await amqp.connect(url, { recovery: { initialDelay: 200, factor: 1, maxRetries: 300 } });
  connection.on('error', () => {});
  await connection.close();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
