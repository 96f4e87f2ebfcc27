import type { Host } from '../host.ts';
import { releasePath } from './store.ts';

/**
 * What a release is made of besides its slug, as texts: `env` is its whole environment, `config` what of that
 * `berth config` has set, `scale` the numbers of `berth scale`. Each release keeps its own, and `/etc/<app>` has
 * those of the live one: they follow `current`, forwards and back.
 */
export type Stores = { env: string; config: string; scale: string };

/** Their names, in a release's directory and in `/etc/<app>`. */
export const storeNames = { env: 'env', config: 'config', scale: 'scale.json' } as const;

const parts = Object.keys(storeNames) as (keyof Stores)[];

/** Those of the live release; each is empty where there is none yet. */
export async function readStores(host: Host, app: string): Promise<Stores> {
  const read = async (part: keyof Stores) => (await host.read(standing(app, part))) ?? '';
  const [env, config, scale] = await Promise.all([read('env'), read('config'), read('scale')]);
  return { env, config, scale };
}

export async function writeStores(host: Host, app: string, stores: Partial<Stores>): Promise<void> {
  for (const part of parts) {
    const content = stores[part];
    const path = standing(app, part);
    if (content === undefined || content === ((await host.read(path)) ?? '')) continue;
    const readers = part === 'env' ? { mode: 0o640, group: app } : { mode: 0o600, group: 'root' };
    await host.write(path, content, { owner: 'root', ...readers });
  }
}

/** Makes what stands in `/etc/<app>` that of one release. */
export async function restoreStores(host: Host, app: string, number: number): Promise<void> {
  const read = (part: keyof Stores) => host.read(`${releasePath(app, number)}/${storeNames[part]}`);
  const texts = await Promise.all(parts.map(async (part) => [part, await read(part)] as const));
  await writeStores(host, app, Object.fromEntries(texts.filter(([, text]) => text !== null)));
}

export function standing(app: string, part: keyof Stores): string {
  return `/etc/${app}/${storeNames[part]}`;
}
