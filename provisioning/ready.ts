import { decodeEnvironment } from './environment.ts';
import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { sharedPath } from './releases/store.ts';
import { readStores } from './releases/stores.ts';
import type { AppSettings } from './settings.ts';

/** Before anything is built or sent: whether the machine could run a release of the application, and for which CPU. */
export async function ready({ app }: { app: AppSettings }, { host }: { host: Host }) {
  await requireReady(host, app, (await readStores(host, app.name)).env);
  return { cpu: host.arch };
}

/**
 * What a release of an application needs besides its slug; `env` is the environment that it will have.
 *
 * @throws BerthError `not_applied`, `database_url_missing`
 */
export async function requireReady(host: Host, app: AppSettings, env: string): Promise<void> {
  const { name, shared, database } = app;
  if (env === '') throw missing(`/etc/${name}/env`);
  for (const path of [`/srv/${name}/incoming`, ...shared.map((folder) => sharedPath(name, folder))]) {
    if ((await host.stat(path))?.type !== 'directory') throw missing(path);
  }
  if (database !== 'url' || decodeEnvironment(env).DATABASE_URL) return;
  throw new BerthError(
    'database_url_missing',
    `apps.${name}.database is url, and ${name} has no DATABASE_URL`,
    `run: berth config set DATABASE_URL --app ${name}`,
  );
}

function missing(path: string): BerthError {
  return new BerthError('not_applied', `the machine has no ${path} yet`, 'run: berth apply');
}
