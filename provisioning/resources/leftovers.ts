import { liveNumber, readRelease, releaseNumbers } from '../releases/store.ts';
import type { Resource } from './resource.ts';

/**
 * Directories of earlier runs under `directory` that nothing refers to any more. What a kept release runs on
 * stays, and so does what stands in `keep`.
 */
export function leftovers(directory: string, keep: string[], apps: string[]): Resource<string[]> {
  return {
    id: `leftovers in ${directory}`,
    async check(host) {
      const releases = await Promise.all(
        apps.map(async (app) => {
          const numbers = [...(await releaseNumbers(host, app)), await liveNumber(host, app)];
          return Promise.all(
            numbers.map((number) => (number === null ? null : readRelease(host, app, number))),
          );
        }),
      );
      const used = new Set([...keep, ...releases.flat().map((release) => release?.runtime)]);
      return (await host.list(directory)).filter((name) => !used.has(name) && !name.startsWith('.'));
    },
    plan: (names) => names.sort().map((name) => ({ do: 'remove', path: `${directory}/${name}` })),
    incidental: true,
    inverse: () => ({}),
  };
}
