import type { Change } from '../change.ts';
import type { Goal, Resource } from './resource.ts';
import { type Configuration, checksums } from './service.ts';

type ConfinedState = {
  active: boolean;
  /** The checksum of the drop-in that it was started with; null: with none. */
  started: string | null;
  /** Whether it serves an application that is live. */
  inUse: boolean;
};

const directory = '/run/berth/confined';

export type ConfinedOptions = {
  /** The drop-in that holds it back, path → content, with `{{recorded}}` filled by `recordStart`. */
  dropIn: Configuration;
  /** Applications that a restart would disturb; empty: it disturbs nobody. */
  disturbs: string[];
};

/** A command of a unit that writes down which drop-in it was started with. */
export function recordStart(path: string): string {
  return `-+/bin/sh -c 'umask 022; mkdir -p ${directory} && sha256sum ${path} >${directory}/%n'`;
}

/**
 * A service that was started with its drop-in as it is now: systemd brings in a sandbox at a start alone. What serves
 * a live application is not restarted for it, which would drop requests: the next start or boot brings it in.
 */
export function confined(unit: string, { dropIn, disturbs }: ConfinedOptions): Resource<ConfinedState> {
  return {
    id: `sandbox of ${unit}`,
    async check(host) {
      const [{ active }, started, ...live] = await Promise.all([
        host.facts.unit(unit),
        host.read(`${directory}/${unit}`),
        ...disturbs.map((app) => host.stat(`/srv/${app}/current`)),
      ]);
      return { active: active === 'active', started, inUse: live.some((found) => found !== null) };
    },
    plan: (state) => (waits(state, dropIn) && !state.inUse ? restarted(unit) : []),
    notices: (state) =>
      waits(state, dropIn) && state.inUse
        ? [`${unit} is not in its sandbox until it is started anew: systemctl restart ${unit}`]
        : [],
    // It waits for a start: nobody's hand.
    byHand: () => [],
    inverse: () => ({ last: unconfined(unit) }),
  };
}

/** Runs without the drop-in, which is gone by now. */
function unconfined(unit: string): Goal<{ active: boolean; started: boolean }> {
  const record = `${directory}/${unit}`;
  return {
    id: `no sandbox of ${unit}`,
    async check(host) {
      const [{ active }, found] = await Promise.all([host.facts.unit(unit), host.stat(record)]);
      return { active: active === 'active', started: found !== null };
    },
    plan({ active, started }) {
      if (!started) return [];
      const restart = active ? restarted(unit) : [];
      return [...restart, { do: 'remove', path: record }];
    },
  };
}

/** A drop-in that was just written, or taken away, may be unknown to systemd yet. */
function restarted(unit: string): Change[] {
  const argvs = [
    ['systemctl', 'daemon-reload'],
    ['systemctl', 'restart', unit],
  ];
  return argvs.map((argv) => ({ do: 'run', argv }));
}

function waits({ active, started }: ConfinedState, dropIn: Configuration): boolean {
  return active && started !== checksums(dropIn);
}
