import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { clientOf } from './client.ts';

/** A machine of its own with the bundled API, which knows the kinds of `kinds/` besides its own. */
export type TaskTrial = {
  checkout: Checkout;
  status: Status;
  token: string;
  /** Writes the hosts file; `app` are settings of the application besides what every trial sets. */
  settings(app: { queue: QueueName; [name: string]: unknown }): void;
  /** Commits files of the clone, path → text. */
  commit(files: Record<string, string>): Promise<void>;
  /** Commits something that no process looks at, for a deploy. */
  change(): Promise<void>;
  /** Rows of the application's database, each as the texts of its columns. */
  sql(query: string): Promise<string[][]>;
};

export type QueueName = 'postgres' | 'rabbitmq';

const account = { email: 'tasks@example.com', password: 'a long enough password' };

/** Nothing keeps a row from being there twice. */
const migration = `export const up = (db) => db.raw('create table effects (task_id integer not null, n integer not null)');
export const down = (db) => db.raw('drop table effects');
`;

/** `machine`: settings of the machine; `files`: more to be committed, path → text. */
export async function startTaskTrial(
  queue: QueueName,
  { machine = {}, files = {} }: { machine?: object; files?: Record<string, string> } = {},
): Promise<TaskTrial> {
  const checkout = await cloneRepository({ installed: true });
  const git = (...words: string[]) => runChecked(['git', '-C', checkout.root, ...words]);
  const commit: TaskTrial['commit'] = async (texts) => {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(checkout.root, path)), { recursive: true });
      writeFileSync(join(checkout.root, path), text);
    }
    await git('add', ...Object.keys(texts));
    await git('commit', '--quiet', '--message', 'Change');
  };
  const settings: TaskTrial['settings'] = (more) => {
    const api = {
      ...{ watch: '0s', drain: '8s', processes: { web: 2, worker: 1 } },
      ...{ env: { ACCESS_TOKEN_SECONDS: '86400', TASK_LIMIT_OWNER: '1000000' }, ...more },
    };
    checkout.settings(JSON.stringify({ machine: { kind: 'container', ...machine }, apps: { api } }));
  };
  try {
    await commit({ 'api/migrations/0900_effects.ts': migration, ...kinds(), ...files });
    settings({ queue });
    await checkout.must(['up']);
    const status = await checkout.status();
    return {
      ...{ checkout, status, settings, commit, token: await signIn(status) },
      change: () => commit({ CHANGE: `${randomUUID()}\n` }),
      async sql(query) {
        const text = await checkout.ssh("sudo -u postgres psql -qAtX -F '|' api", query);
        const lines = text.split('\n').filter((line) => line !== '');
        return lines.map((line) => line.split('|'));
      },
    };
  } catch (error) {
    await checkout.remove();
    throw error;
  }
}

/** The kinds as they are where an application has its own. */
function kinds(): Record<string, string> {
  const folder = join(import.meta.dirname, 'kinds');
  const texts = readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return [`api/tasks/kinds/${name}`, text.replaceAll('../../../api/tasks/', '../')];
  });
  return Object.fromEntries(texts);
}

async function signIn(status: Status): Promise<string> {
  const ask = clientOf(status);
  await ask({ method: 'POST', path: '/api/users', body: account });
  const body = { username: account.email, password: account.password };
  return String((await ask({ method: 'POST', path: '/api/login', body })).json.access_token);
}
