import { createHash } from 'node:crypto';
import type { Change } from '../change.ts';
import type { Unit } from '../facts.ts';
import type { Host } from '../host.ts';
import { file } from './file.ts';
import type { Goal, Resource } from './resource.ts';

/** Configuration files as they shall be, path → content. */
export type Configuration = Record<string, string>;

type ServiceState = Unit & {
  /** The checksums of the configuration that the running service has read; null: not known. */
  loaded: string | null;
  /** What `alsoReads` holds now. */
  others: Configuration;
  /** `socket` listens for it. */
  awaited: boolean;
};

export type ServiceOptions = {
  configuration?: Configuration;
  /** Files that it reads too, whose content only the machine knows (a key): as they are is as they shall be. */
  alsoReads?: string[];
  /** What makes a running service read its configuration. */
  onChange?: 'reload' | 'restart';
  enabled?: boolean;
  /** The unit that listens for it where systemd does, and starts it at the first connection. */
  socket?: string;
  /** argv of a program that proves the configuration before it is read. */
  proof?: string[];
};

const loadedDirectory = '/run/berth/loaded';

/**
 * A service that is enabled, runs, and has read its configuration as it shall be.
 *
 * Whether it has is not remembered from an earlier run: `recordLoaded` makes systemd itself write down, at each
 * start and reload, whoever asked for it, what the files held then.
 */
export function service(unit: string, options: ServiceOptions = {}): Resource<ServiceState> {
  const { configuration, alsoReads = [], onChange = 'restart', enabled = true, socket, proof } = options;
  const proven: Change[] = proof ? [{ do: 'run', summary: 'prove the configuration', argv: proof }] : [];
  return {
    id: `service ${unit}`,
    async check(host) {
      const [state, loaded, others, listener] = await Promise.all([
        host.facts.unit(unit),
        host.read(`${loadedDirectory}/${unit}`),
        Promise.all(alsoReads.map(async (path) => [path, (await host.read(path)) ?? ''] as const)),
        socket === undefined ? null : host.facts.unit(socket),
      ]);
      const awaited = listener?.active === 'active';
      return { ...state, loaded, others: Object.fromEntries(others), awaited };
    },
    plan({ active, enabled: enabledNow, loaded, others, awaited }) {
      const expected = configuration && checksums({ ...configuration, ...others });
      const changes: Change[] = [];
      if (enabled && !enabledNow.startsWith('enabled')) changes.push(systemctl('enable', unit));
      // After a boot nobody may have come yet; it reads its configuration when somebody does.
      if (active === 'inactive' && awaited) return changes;
      if (active !== 'active') changes.push(systemctl('start', unit));
      // A start under way may have read its configuration before ours was there.
      const stale = active === 'active' || active === 'activating';
      if (stale && expected !== undefined && loaded !== expected)
        changes.push(...proven, systemctl(onChange, unit));
      return changes;
    },
    inverse: () => ({
      goal: noUnitOfOurs(unit),
      ...(configuration ? { last: ownConfiguration(unit, proof) } : {}),
    }),
  };
}

/** A unit whose file is ours neither runs nor is enabled; the distribution's stay as they are. */
function noUnitOfOurs(unit: string): Goal<Unit & { ours: boolean }> {
  return {
    id: `no service ${unit}`,
    async check(host) {
      const [state, file] = await Promise.all([
        host.facts.unit(unit),
        host.stat(`/etc/systemd/system/${unit}`),
      ]);
      return { ...state, ours: file?.type === 'file' };
    },
    plan: ({ ours, ...state }) => (ours ? planStop(unit, state) : []),
  };
}

type OwnState = { active: boolean; loaded: boolean; sound: boolean };

/**
 * A service of the distribution's goes by its own configuration again. That ours was loaded is what systemd has
 * written down; the drop-in that makes it do so is gone by now.
 */
function ownConfiguration(unit: string, proof: string[] | undefined): Goal<OwnState> {
  const record = `${loadedDirectory}/${unit}`;
  return {
    id: `service ${unit} on its own`,
    async check(host: Host) {
      const loaded = (await host.stat(record)) !== null;
      const { active } = await host.facts.unit(unit);
      const sound = !loaded || !proof || (await host.run(proof)).code === 0;
      return { active: active === 'active', loaded, sound };
    },
    plan({ active, loaded, sound }) {
      if (!loaded) return [];
      // What cannot start again without our configuration must not run on with it.
      const act: Change[] = active ? [systemctl(sound ? 'restart' : 'stop', unit)] : [];
      return [...act, { do: 'remove', path: record }];
    },
  };
}

/** A unit of an earlier apply that is not wanted any more; its files go after it. */
export function noService(unit: string): Resource<Unit> {
  return {
    id: `no service ${unit}`,
    check: (host) => host.facts.unit(unit),
    plan: (state) => planStop(unit, state),
    inverse: () => ({}),
  };
}

function planStop(unit: string, { active, enabled }: Unit): Change[] {
  return enabled.startsWith('enabled') || ['active', 'activating'].includes(active)
    ? [{ do: 'run', argv: ['systemctl', 'disable', '--now', unit], action: 'remove' }]
    : [];
}

/** The drop-in by which systemd records what a service's configuration held when it was read. */
export function recordLoaded(unit: string, paths: string[]) {
  // The unit may have a stricter umask, and /run/berth is not only for root.
  const record = `umask 022; mkdir -p ${loadedDirectory} && sha256sum ${paths.join(' ')} >${loadedDirectory}/%n`;
  return file({
    path: `/etc/systemd/system/${unit}.d/berth-loaded.conf`,
    content: [
      '# Kept by berth apply: writes down which configuration the service has read.',
      '[Service]',
      `ExecStartPre=-+/bin/sh -c '${record}'`,
      `ExecReload=-+/bin/sh -c '${record}'`,
      '',
    ].join('\n'),
  });
}

/** systemd knows these units as their files say; a name may be a pattern such as `api@*.service`. */
export function daemonReload(units: string[]): Resource<boolean> {
  const goal: Goal<boolean> = {
    id: 'systemd units',
    async check(host) {
      const said = await host.must(['systemctl', 'show', '--property=NeedDaemonReload', '--', ...units]);
      return said.includes('NeedDaemonReload=yes');
    },
    plan: (needed) => (needed ? [{ do: 'run', argv: ['systemctl', 'daemon-reload'] }] : []),
  };
  return { ...goal, inverse: () => ({ last: goal }) };
}

/** As `sha256sum` prints them for these paths in this order. */
export function checksums(configuration: Configuration): string {
  return Object.entries(configuration)
    .map(([path, content]) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`)
    .join('');
}

function systemctl(verb: string, unit: string): Change {
  return { do: 'run', argv: ['systemctl', verb, unit] };
}
