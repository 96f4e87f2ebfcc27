import { availableParallelism } from 'node:os';
import { brokerMemoryMiB } from '../broker/conf.ts';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';
import { type Procfile, runnable } from './procfile.ts';

/** Process name → how many, where `berth scale` says otherwise than the hosts file. */
export type Scale = Record<string, number>;

export const encodeScale = (scale: Scale) => `${JSON.stringify(scale)}\n`;
export const decodeScale = (text: string) => JSON.parse(text || '{}') as Scale;

/**
 * How many of each process that the Procfile names: what `scale` says, else the settings, where `0` follows from CPUs and
 * memory.
 */
export function formation(
  host: Pick<Host, 'memoryMiB'>,
  settings: Pick<Settings, 'memoryMiB'>,
  app: Pick<AppSettings, 'processes'>,
  procfile: Procfile,
  scale: Scale,
): Record<string, number> {
  const auto = memoryOf(settings, host) < 2000 ? 1 : Math.min(4, availableParallelism());
  const set = Object.entries({ web: 0, ...app.processes }).map(([name, count]) => [name, count || auto]);
  const wanted: Record<string, number> = { ...Object.fromEntries(set), ...scale };
  const named = runnable(procfile);
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => named.includes(name)));
}

/**
 * Whether the release before goes on running after a flip. Twice the memory of an application is too much to ask of a
 * small machine; and a WebSocket would stay on the release before for as long as that runs.
 */
export function staysWarm(settings: Settings, app: AppSettings, host: Host): boolean {
  return !app.websocket && memoryOf(settings, host) >= 2000;
}

/** Measured on Debian 13. */
const pm2MiB = 75;

/**
 * How much memory a process may have before it is replaced: what the settings say, else an even share of what
 * PostgreSQL and RabbitMQ leave, for two releases of every application. V8 itself ends a process that has much more than 2 GiB.
 */
export function memoryLimitMiB(
  host: Host,
  settings: Settings,
  app: AppSettings,
  processes: Record<string, number>,
): number {
  if (app.memoryMiB !== null) return app.memoryMiB;
  const memory = memoryOf(settings, host);
  const databases = (memory * settings.postgresql.memoryPercent) / 100;
  const left = memory - databases - brokerMemoryMiB(settings, memory);
  const count = Object.values(processes).reduce((sum, each) => sum + each, 0);
  const share = left / 2 / Object.keys(settings.apps).length - pm2MiB;
  return Math.floor(Math.min(2048, Math.max(256, share / Math.max(1, count))));
}

function memoryOf({ memoryMiB }: Pick<Settings, 'memoryMiB'>, host: Pick<Host, 'memoryMiB'>): number {
  return Math.min(memoryMiB ?? host.memoryMiB, host.memoryMiB);
}
