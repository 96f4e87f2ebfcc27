import type { Change } from '../change.ts';
import { outdated } from '../releases/release.ts';
import { liveNumber, unitOf, workersUnit } from '../releases/store.ts';
import { workersFollow } from '../releases/workers.ts';
import type { AppSettings, Settings } from '../settings.ts';
import type { Resource } from './resource.ts';

type ReleaseState = {
  /** null: nothing was deployed yet. */
  number: number | null;
  outdated: string | null;
  active: boolean;
  /** Where nginx is pointed at, as the symlink is written. */
  socket: string | null;
  /** Whether the workers that run are the live release's, all of them and no others. */
  workers: boolean;
};

export type ReleaseOptions = { settings: Settings; app: AppSettings; runtime: string };

/** The live release runs with its workers, nginx points to it, and it is made of what the settings say now. */
export function currentRelease({ settings, app, runtime }: ReleaseOptions): Resource<ReleaseState> {
  const link = `/run/${app.name}/current.sock`;
  return {
    id: `release of ${app.name}`,
    async check(host) {
      const number = await liveNumber(host, app.name);
      if (number === null) return { number, outdated: null, active: false, socket: null, workers: true };
      const [reason, unit, found, workers] = await Promise.all([
        outdated(host, settings, app, runtime),
        host.facts.unit(unitOf(app.name, number)),
        host.stat(link),
        workersFollow(host, app.name, number),
      ]);
      const active = unit.active === 'active';
      return { number, outdated: reason, active, socket: found?.target ?? null, workers };
    },
    plan({ number, outdated: reason, active, socket, workers }) {
      if (number === null) return [];
      if (reason) return [{ do: 'release', app: app.name, reason }];
      const changes: Change[] = [];
      const target = `sockets/${number}.sock`;
      if (socket !== target) changes.push({ do: 'link', path: link, target, before: socket });
      if (!active) changes.push({ do: 'start', app: app.name, number });
      if (!workers) changes.push({ do: 'run', argv: ['systemctl', 'restart', workersUnit(app.name)] });
      return changes;
    },
  };
}
