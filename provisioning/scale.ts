import { appOf } from './app-of.ts';
import { BerthError } from './errors.ts';
import type { Event } from './events.ts';
import type { Host } from './host.ts';
import { decodeScale, encodeScale, formation, type Scale } from './releases/formation.ts';
import { isClustered, type Procfile, runnable } from './releases/procfile.ts';
import { readProcfile } from './releases/release.ts';
import { renew } from './releases/renew.ts';
import { liveRelease, type Release, writeReleaseFile } from './releases/store.ts';
import { readStores, storeNames, writeStores } from './releases/stores.ts';
import type { AppSettings, Settings } from './settings.ts';

type Asked = { settings: Settings; app: string };
export type ScaleInput = Asked & {
  runtime: string;
  by: string;
  /** Process name → how many; null: what the hosts file says. */
  counts: Record<string, number | null>;
};

export type ScaleResult = { changed: boolean; release: number };

/**
 * Runs other numbers of processes than the hosts file says, as a new release.
 *
 * @throws BerthError `nothing_deployed`, `scale_unknown_process`, `scale_not_clustered`, and those of a release
 */
export async function scale(
  input: ScaleInput,
  { host, emit, stop }: { host: Host; emit: (event: Event) => void; stop: AbortSignal },
): Promise<ScaleResult> {
  const { settings, runtime, by, counts } = input;
  const app = appOf(settings, input.app);
  const { live, procfile } = await deployed(host, app);
  const before = decodeScale((await readStores(host, app.name)).scale);
  const after = withCounts(before, counts);
  const wanted = formation(host, settings, app, procfile, after);
  requireProcesses(app, procfile, Object.keys(counts), wanted);
  const text = encodeScale(after);
  if (JSON.stringify(wanted) === JSON.stringify(live.processes)) {
    // The same numbers, whoever says them now.
    await writeReleaseFile(host, app.name, live.number, storeNames.scale, text);
    await writeStores(host, app.name, { scale: text });
    return { changed: false, release: live.number };
  }
  const say = (text: string) => emit({ type: 'progress', text });
  const making = { settings, app, runtime, by, reason: `scale ${scaleInShort(input)}` };
  const { number } = await renew(host, making, { say, stop, stores: { scale: text } });
  return { changed: true, release: number };
}

export function scaleInShort({ counts }: Pick<ScaleInput, 'counts'>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name}=${count ?? 'auto'}`)
    .join(' ');
}

export type ProcessView = { process: string; count: number; from: 'scale' | 'hosts file'; command: string };

/** Every process that the live release's Procfile names, and how many of it run. */
export async function formationView(
  { settings, app: name }: Asked,
  { host }: { host: Host },
): Promise<ProcessView[]> {
  const app = appOf(settings, name);
  const { live, procfile } = await deployed(host, app);
  const own = decodeScale((await readStores(host, name)).scale);
  return runnable(procfile).map((process) => ({
    process,
    count: live.processes[process] ?? 0,
    from: Object.hasOwn(own, process) ? 'scale' : 'hosts file',
    command: procfile[process] as string,
  }));
}

async function deployed(host: Host, app: AppSettings): Promise<{ live: Release; procfile: Procfile }> {
  const live = await liveRelease(host, app.name);
  if (!live) throw new BerthError('nothing_deployed', `${app.name} has no release yet`, 'run: berth deploy');
  return { live, procfile: await readProcfile(host, app.name, live.slug) };
}

/** Sorted, so that the same numbers are the same text. */
function withCounts(before: Scale, counts: ScaleInput['counts']): Scale {
  const entries = Object.entries({ ...before, ...counts }).flatMap(([name, count]) =>
    count === null ? [] : [[name, count] as const],
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function requireProcesses(app: AppSettings, procfile: Procfile, named: string[], wanted: Scale): void {
  const unknown = named.find((name) => !runnable(procfile).includes(name));
  if (unknown !== undefined) {
    throw new BerthError(
      'scale_unknown_process',
      `the Procfile of ${app.name} names no process ${unknown} to scale`,
      `it names: ${runnable(procfile).join(', ')}`,
    );
  }
  if (!named.includes('web') || (wanted.web ?? 0) < 2 || isClustered(procfile.web as string)) return;
  throw new BerthError(
    'scale_not_clustered',
    `web of ${app.name} is one process, since its command is not \`node <file>\`: ${procfile.web}`,
    'start it as node <file> in the Procfile, and its processes share the socket',
  );
}
