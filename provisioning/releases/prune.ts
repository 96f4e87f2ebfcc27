import type { Host } from '../host.ts';
import type { AppSettings } from '../settings.ts';
import {
  appRoot,
  layerPath,
  type Release,
  readRelease,
  releaseNumbers,
  releasePath,
  slugPath,
} from './store.ts';

const keptFailed = 5;

/**
 * Removes what nobody goes back to: all but the releases in `inUse` (the live one and every running one), the newest
 * `keep` good and the newest failed ones; then the slugs and layers that none of the kept refers to, and uploads.
 */
export async function prune(host: Host, { name: app, keep }: AppSettings, inUse: number[]): Promise<void> {
  const numbers = await releaseNumbers(host, app);
  const all = await Promise.all(numbers.map((number) => readRelease(host, app, number)));
  const kept = keptOf(
    all.filter((release) => release !== null),
    inUse,
    keep,
  );
  for (const number of numbers) {
    if (!kept.some((release) => release.number === number)) await host.remove(releasePath(app, number));
  }
  const slugs = new Set(kept.map(({ slug }) => slugPath(app, slug)));
  const layers = new Set(kept.map(({ layer }) => layerPath(app, layer)));
  await removeOthers(host, `${appRoot(app)}/slugs`, slugs);
  await removeOthers(host, `${appRoot(app)}/layers`, layers);
  await removeOthers(host, `${appRoot(app)}/incoming`, new Set());
}

/** Oldest first, as given. */
export function keptOf(releases: Release[], inUse: number[], keep: number): Release[] {
  const newest = (state: Release['state'], count: number) =>
    releases.filter((release) => release.state === state).slice(-count);
  const chosen = new Set([...newest('good', keep), ...newest('failed', keptFailed)]);
  return releases.filter((release) => chosen.has(release) || inUse.includes(release.number));
}

async function removeOthers(host: Host, directory: string, wanted: Set<string>): Promise<void> {
  for (const name of await host.list(directory)) {
    const path = `${directory}/${name}`;
    if (!wanted.has(path)) await host.remove(path);
  }
}
