import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { clientOf } from './client.ts';
import { type Load, startLoad } from './load.ts';

/** A machine of its own with the bundled API, whose source a test changes and deploys under load. */
export type Trial = {
  checkout: Checkout;
  /** Writes the hosts file; `app` are the application's settings besides what every trial sets. */
  settings(app?: Record<string, string>): void;
  /** Changes one file of the application by an edit, and commits it. */
  commit(file: string, edit: (text: string) => string): Promise<void>;
  /** Takes the last commit back. */
  undo(): Promise<void>;
  /** The release that nginx follows, as `v42`. */
  live(): Promise<string>;
  /** When nginx was last pointed to a release, as milliseconds. */
  flippedAt(): Promise<number>;
  load(options?: { long?: number }): Load;
};

const account = { email: 'load@example.com', password: 'a long enough password' };
const clients = Number(process.env.BERTH_CLIENTS ?? 8);
const perSecond = Number(process.env.BERTH_RATE ?? 120);

export async function startTrial(): Promise<Trial> {
  const checkout = await cloneRepository({ installed: true });
  const git = (...words: string[]) => runChecked(['git', '-C', checkout.root, ...words]);
  const path = (file: string) => join(checkout.root, file);
  const commit: Trial['commit'] = async (file, edit) => {
    writeFileSync(path(file), edit(readFileSync(path(file), { encoding: 'utf8', flag: 'a+' })));
    await git('add', file);
    await git('commit', '--quiet', '--message', 'Change');
  };
  // 12 s to drain: longer than the slowest request of the load, so that it is never cut.
  const settings: Trial['settings'] = (app = {}) => {
    const api = { watch: '0s', drain: '12s', env: { ACCESS_TOKEN_SECONDS: '86400' }, ...app };
    checkout.settings(JSON.stringify({ machine: { kind: 'container' }, apps: { api } }));
  };

  copyFileSync(join(import.meta.dirname, 'long-routes.ts'), path('api/long-routes.ts'));
  await git('add', 'api/long-routes.ts');
  await commit('api/app.ts', withLongRoutes);
  settings();
  await checkout.must(['up']);
  const status = await checkout.status();
  const ask = clientOf(status);
  await ask({ method: 'POST', path: '/api/users', body: account });
  const login = { username: account.email, password: account.password };
  const signedIn = await ask({ method: 'POST', path: '/api/login', body: login });
  const token = String(signedIn.json.access_token);
  for (let post = 0; post < 5; post += 1) {
    await ask({ method: 'POST', path: '/api/posts', token, body: { title: 'first', content: 'load' } });
  }
  return {
    checkout,
    settings,
    commit,
    undo: async () => void (await git('reset', '--quiet', '--hard', 'HEAD~1')),
    live: async () => (await checkout.ssh('readlink /run/api/current.sock')).replace(/\D+(\d+)\D+/s, 'v$1'),
    flippedAt: async () => Number(await checkout.ssh('stat --format=%.3Y /run/api/current.sock')) * 1000,
    load: ({ long = 2 } = {}) => startLoad({ ...status, token, clients, perSecond, long }),
  };
}

/** An edit of api/app.ts: `code` stands before the routes. */
export function beforeRoutes(code: string): (text: string) => string {
  const routes = '  app.use(router.routes());';
  return (text) => text.replace(routes, `${code}\n${routes}`);
}

function withLongRoutes(text: string): string {
  const used = beforeRoutes('  app.use(longRoutes(config.release));')(text);
  return `import { longRoutes } from './long-routes.ts';\n${used}`;
}
