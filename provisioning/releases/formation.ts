import { availableParallelism } from 'node:os';
import type { Host } from '../host.ts';
import type { AppSettings, Settings } from '../settings.ts';

/** Process name → how many, where `berth scale` says otherwise than the hosts file. */
export type Scale = Record<string, number>;

export const encodeScale = (scale: Scale) => `${JSON.stringify(scale)}\n`;
export const decodeScale = (text: string) => JSON.parse(text || '{}') as Scale;

/** How many of each process: what `scale` says, else the settings; `0` for web there follows from CPUs and memory. */
export function formation(host: Host, settings: Settings, app: AppSettings, scale: Scale) {
  const web = memoryOf(settings, host) < 2000 ? 1 : Math.min(4, availableParallelism());
  return { ...app.processes, ...scale, web: scale.web ?? (app.processes.web || web) };
}

/**
 * Whether the release before goes on running after a flip. Twice the memory of an application is too much to ask of a
 * small machine; and a WebSocket would stay on the release before for as long as that runs.
 */
export function staysWarm(settings: Settings, app: AppSettings, host: Host): boolean {
  return !app.websocket && memoryOf(settings, host) >= 2000;
}

function memoryOf({ memoryMiB }: Settings, host: Host): number {
  return Math.min(memoryMiB ?? host.memoryMiB, host.memoryMiB);
}
