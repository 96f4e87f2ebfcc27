import type { Change } from '../change.ts';
import type { Host } from '../host.ts';
import { outdated } from '../releases/release.ts';
import { appRoot, liveNumber, unitOf, workersUnit } from '../releases/store.ts';
import { workersFollow } from '../releases/workers.ts';
import type { AppSettings, Settings } from '../settings.ts';
import type { Goal, Resource } from './resource.ts';

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
    // A release that waits to be made is a setting's doing.
    byHand: (changes) => changes.filter((change) => change.do !== 'release'),
    inverse: () => ({ goal: noRelease(app.name) }),
  };
}

type NoReleaseState = { live: boolean; running: string[]; failed: string[] };

/** No release is live, and nothing of any runs; what they are made of goes with its directories. */
function noRelease(app: string): Goal<NoReleaseState> {
  const current = `${appRoot(app)}/current`;
  const units = [`${app}@*.service`, workersUnit(app), `${app}-release@*.service`];
  const list = async (host: Host, states: string) => {
    const argv = ['systemctl', 'list-units', '--all', '--plain', '--no-legend', `--state=${states}`];
    const said = await host.must([...argv, '--', ...units]);
    return said.split('\n').flatMap((line) => line.split(' ')[0] || []);
  };
  return {
    id: `no release of ${app}`,
    async check(host) {
      const [live, running, failed] = await Promise.all([
        host.stat(current),
        list(host, 'active,activating,deactivating,reloading'),
        list(host, 'failed'),
      ]);
      return { live: live !== null, running, failed };
    },
    plan({ live, running, failed }) {
      const changes: Change[] = [];
      // First: a boot in between starts nothing then.
      if (live) changes.push({ do: 'remove', path: current });
      if (running.length > 0) changes.push(systemctl('stop', running));
      if (failed.length > 0) changes.push(systemctl('reset-failed', failed));
      return changes;
    },
  };
}

function systemctl(verb: string, units: string[]): Change {
  return { do: 'run', argv: ['systemctl', verb, '--', ...units], action: 'remove' };
}
