import type { Change } from '../change.ts';
import { outdated } from '../releases/release.ts';
import { liveNumber, unitOf } from '../releases/store.ts';
import type { AppSettings, Settings } from '../settings.ts';
import type { Resource } from './resource.ts';

type ReleaseState = {
  /** null: nothing was deployed yet. */
  number: number | null;
  outdated: string | null;
  active: boolean;
  /** Where nginx is pointed at, as the symlink is written. */
  socket: string | null;
};

export type ReleaseOptions = { settings: Settings; app: AppSettings; runtime: string };

/** The live release runs, nginx points to it, and it is made of what the settings say now. */
export function currentRelease({ settings, app, runtime }: ReleaseOptions): Resource<ReleaseState> {
  const link = `/run/${app.name}/current.sock`;
  return {
    id: `release of ${app.name}`,
    async check(host) {
      const number = await liveNumber(host, app.name);
      if (number === null) return { number, outdated: null, active: false, socket: null };
      const [reason, unit, found] = await Promise.all([
        outdated(host, settings, app, runtime),
        host.facts.unit(unitOf(app.name, number)),
        host.stat(link),
      ]);
      return { number, outdated: reason, active: unit.active === 'active', socket: found?.target ?? null };
    },
    plan({ number, outdated: reason, active, socket }) {
      if (number === null) return [];
      if (reason) return [{ do: 'release', app: app.name, reason }];
      const changes: Change[] = [];
      const target = `sockets/${number}.sock`;
      if (socket !== target) changes.push({ do: 'link', path: link, target, before: socket });
      if (!active) changes.push({ do: 'start', app: app.name, number });
      return changes;
    },
  };
}
