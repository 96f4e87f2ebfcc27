import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { file } from './resources/file.ts';
import type { Resource } from './resources/resource.ts';
import type { AppSettings, Settings } from './settings.ts';

const path = '/etc/berth/settings.json';

/** What the machine was last applied with, for what begins on the machine itself: timers, a git push. No secret is in it. */
export function keptSettings(settings: Settings): Resource {
  return file({ path, content: `${JSON.stringify(settings, null, 2)}\n`, mode: 0o600 });
}

/** null: there are none. What an earlier version knew nothing of has the default of a hosts file. */
export async function findKeptSettings(host: Host): Promise<Settings | null> {
  const kept = JSON.parse((await host.read(path)) ?? 'null') as Settings | null;
  if (!kept) return null;
  const apps = Object.entries(kept.apps).map(([name, app]) => [name, filled(sinceInApps(app), app)]);
  return { ...filled(since, kept), apps: Object.fromEntries(apps) };
}

/** @throws BerthError `not_applied` */
export async function readKeptSettings(host: Host): Promise<Settings> {
  const settings = await findKeptSettings(host);
  if (settings) return settings;
  throw new BerthError('not_applied', `${path} is not on the machine`, 'run: berth apply');
}

/** Settings that came after the first machines kept theirs. */
const since = {
  ssh: { port: 22, vagrant: null },
  confirmWithinMs: 60_000,
  upgrades: { automatic: true, reboot: '04:30' },
  firewall: { enabled: true, allow: [], sshFrom: [], ban: true },
  backup: {
    ...{ enabled: true, at: '03:30', daily: 7, weekly: 4, manual: 10 },
    ...{ drill: 'Sun 04:30', restic: null },
  },
  notify: { webhook: { url: null } },
  proxy: { url: null, noProxy: [] },
} satisfies Partial<Settings>;

const sinceInApps = ({ prefix }: AppSettings): Partial<AppSettings> => ({
  ...{ path: '.', push: 'main', startTimeoutMs: 60_000, keep: 5, memoryMiB: null, shared: [] },
  ...{ bodyLimitBytes: 1024 ** 2, timeouts: { answerMs: 60_000, connectMs: 5000 }, websocket: false },
  ...{ dumpBeforeRelease: true, queue: 'postgres', cron: [] },
  openapi: prefix === '/api' ? '/api/openapi.json' : null,
});

/** Sections are filled key by key, and what is there stays in its order: its text is compared with the file's. */
function filled<T extends object>(defaults: Partial<T>, kept: T): T {
  const entries = Object.entries(defaults).map(([key, value]) => {
    const own = (kept as Record<string, unknown>)[key];
    return [key, isSection(value) && isSection(own) ? filled(value, own) : own === undefined ? value : own];
  });
  return { ...kept, ...Object.fromEntries(entries) };
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
