import type { Host } from './host.ts';

/** What apt would bring in, and what waits for a start after what it has brought in, as of its last run. */
export type Updates = {
  /** When it was written down, ISO 8601. */
  at: string;
  /** Security updates, but PostgreSQL's: they come by themselves where `upgrades.automatic` is true. */
  security: Update[];
  /** Of PostgreSQL, which are brought in by hand alone: its restart ends every connection. */
  postgresql: Update[];
  /** How many others there are. */
  others: number;
  /** Units that run what an update has replaced. */
  restarts: string[];
};

/** `from` is null where it is new on the machine, such as the next kernel. */
export type Update = { name: string; from: string | null; to: string; security: boolean };

/** What apt would bring in, apart as it is treated apart. */
export type Waiting = { security: Update[]; postgresql: Update[]; others: Update[] };

export type UpdatesStatus = Updates & { rebootRequired: boolean };

export const updatesPath = '/var/lib/berth/updates.json';

/** Run by apt after each of its runs, so that nobody who asks has to wait for it. */
export async function recordUpdates(_input: unknown, { host }: { host: Host }): Promise<Updates> {
  const { stdout } = await host.run(simulatedUpgrade);
  const { security, postgresql, others } = parseWaiting(stdout);
  const checked = await host.run(['needrestart', '-b', '-l', '-r', 'l']).catch(() => ({ stdout: '' }));
  const recorded = {
    at: new Date().toISOString(),
    security,
    postgresql,
    others: others.length,
    restarts: parseRestarts(checked.stdout),
  };
  const text = `${JSON.stringify(recorded)}\n`;
  await host.write(updatesPath, text, { mode: 0o644, owner: 'root', group: 'root' });
  return recorded;
}

/** null: apt has not run since the machine was applied. */
export async function readUpdates(host: Host): Promise<UpdatesStatus | null> {
  const [text, reboot] = await Promise.all([host.read(updatesPath), host.stat('/run/reboot-required')]);
  if (text === null) return null;
  return { ...(JSON.parse(text) as Updates), rebootRequired: reboot !== null };
}

/** As unattended-upgrades would: a kernel's update is a new package. By the package lists that the machine has. */
export const simulatedUpgrade = [
  'apt-get',
  '-s',
  '-q',
  '-o',
  'Debug::NoLocking=1',
  '--with-new-pkgs',
  'upgrade',
];

export function parseWaiting(simulated: string): Waiting {
  const updates = parseUpdates(simulated);
  const isPostgresql = ({ name }: Update) => name.startsWith('postgresql');
  const rest = updates.filter((update) => !isPostgresql(update));
  return {
    security: rest.filter(({ security }) => security),
    postgresql: updates.filter(isPostgresql),
    others: rest.filter(({ security }) => !security),
  };
}

/** `Inst libssl3 [3.0.16-1] (3.0.17-1 Debian-Security:12/stable-security [amd64])`, of a new one without the first. */
export function parseUpdates(text: string): Update[] {
  return [...text.matchAll(/^Inst (\S+)(?: \[(\S+)\])? \((\S+) ([^)]*)\)/gm)].map(
    ([, name = '', from, to = '', origins = '']) => ({
      name,
      from: from ?? null,
      to,
      security: /security/i.test(origins),
    }),
  );
}

/** `NEEDRESTART-SVC: nginx.service` */
export function parseRestarts(text: string): string[] {
  return [...text.matchAll(/^NEEDRESTART-SVC: (\S+)$/gm)].map(([, unit = '']) => unit).sort();
}
