import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from './host.ts';
import { environmentOf, familyOf, type Process, readProcesses, ticksASecond } from './processes.ts';
import { runningNumbers } from './releases/cutover.ts';
import { liveNumber, releasePath, unitOf, workersNumber, workersUnit } from './releases/store.ts';

/** One process of an application. */
export type ProcessRow = {
  /** `web.1` as the Procfile names it, or `pm2`, which keeps the others running. */
  process: string;
  release: string;
  state: 'live' | 'warm';
  /** null: it has ended, and pm2 waits before it starts it again. */
  pid: number | null;
  /** Of one processor, in percent, just now. */
  cpu: number | null;
  memoryBytes: number | null;
  /** How often it was started again since its release started. */
  restarts: number | null;
  uptimeSeconds: number | null;
};

type Unit = { name: string; number: number; configuration: string };
type Sample = { processes: Map<number, Process>; atMs: number };

const sampleMs = 300;

/**
 * Every process of the releases that run. It is read from /proc and from what root has written: pm2 itself is not
 * asked, since its socket and its answers are the application's.
 */
export async function ps({ app }: { app: string }, { host }: { host: Host }): Promise<ProcessRow[]> {
  const [live, units] = await Promise.all([liveNumber(host, app), runningUnits(host, app)]);
  const before = await sample(host);
  await wait(sampleMs);
  const now = await sample(host);
  const [up = '0'] = ((await host.read('/proc/uptime')) ?? '').split(' ');
  const rows = await Promise.all(
    units.map(async (unit) => {
      const found = await processesOf(host, app, unit, now);
      const same = { release: `v${unit.number}`, state: unit.number === live ? 'live' : 'warm' } as const;
      return found.map(({ process, pid, restarts, family }) => ({
        process,
        ...same,
        pid,
        restarts,
        ...(family[0] ? measured(family, before, now, Number(up)) : ended),
      }));
    }),
  );
  return rows.flat();
}

const ended = { cpu: null, memoryBytes: null, uptimeSeconds: null };

async function sample(host: Host): Promise<Sample> {
  return { processes: await readProcesses(host), atMs: performance.now() };
}

function measured(family: Process[], before: Sample, now: Sample, upSeconds: number) {
  const ticks = family.reduce((sum, one) => sum + one.ticks - (before.processes.get(one.pid)?.ticks ?? 0), 0);
  const seconds = (now.atMs - before.atMs) / 1000;
  const startedAt = family[0]?.startedAt ?? 0;
  return {
    cpu: Math.round((ticks / ticksASecond / seconds) * 100),
    memoryBytes: family.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    uptimeSeconds: Math.max(0, Math.round(upSeconds - startedAt / ticksASecond)),
  };
}

async function runningUnits(host: Host, app: string): Promise<Unit[]> {
  const [web, workers, unit] = await Promise.all([
    runningNumbers(host, app),
    workersNumber(host, app),
    host.facts.unit(workersUnit(app)),
  ]);
  const units = web.map((number) => ({ name: unitOf(app, number), number, configuration: 'pm2.json' }));
  if (workers === null || unit.active !== 'active') return units;
  return [...units, { name: workersUnit(app), number: workers, configuration: 'workers.json' }];
}

type Found = {
  process: string;
  pid: number | null;
  restarts: number | null;
  /** With what it has started itself; empty where it does not run. */
  family: Process[];
};

/** pm2 and what it runs, also what it should run and does not just now. */
async function processesOf(host: Host, app: string, unit: Unit, { processes }: Sample): Promise<Found[]> {
  const shown = await host.must(['systemctl', 'show', '--property=MainPID,NRestarts', unit.name]);
  const property = (name: string) => Number(shown.match(new RegExp(`^${name}=(\\d+)$`, 'm'))?.[1] ?? 0);
  const main = property('MainPID');
  const own = processes.get(main);
  if (!own) return [];
  const children = [...processes.values()].filter(({ parent }) => parent === main);
  const running = await Promise.all(children.map(async ({ pid }) => ({ pid, ...(await toldTo(host, pid)) })));
  const text = await host.read(`${releasePath(app, unit.number)}/${unit.configuration}`);
  const { apps } = JSON.parse(text ?? '{"apps":[]}') as { apps: { name: string; instances: number }[] };
  const expected = apps.flatMap(({ name, instances }) =>
    Array.from({ length: instances }, (_, index) => ({ name, index })),
  );
  const rows = expected.map(({ name, index }) => {
    const found = running.filter((one) => one.name === name).sort((a, b) => a.id - b.id)[index];
    const process = `${name === app ? 'web' : name.slice(app.length + 1)}.${index + 1}`;
    const family = found ? familyOf(processes, found.pid) : [];
    return { process, pid: found?.pid ?? null, restarts: found?.restarts ?? null, family };
  });
  return [...rows, { process: 'pm2', pid: main, restarts: property('NRestarts'), family: [own] }];
}

/** What pm2 has told a process of itself: as JSON where it is clustered, in variables of its own where it is forked. */
async function toldTo(host: Host, pid: number): Promise<{ name: string; id: number; restarts: number }> {
  const told = await environmentOf(host, pid);
  const json = told.get('pm2_env');
  const { name, pm_id, restart_time } = json ? parsed(json) : Object.fromEntries(told);
  return { name: String(name), id: Number(pm_id) || 0, restarts: Number(restart_time) || 0 };
}

/** The application can write over what its processes were started with. */
function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
