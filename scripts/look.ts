import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { platformOf } from '../provisioning/platform.ts';
import type { Connect } from './entrance.ts';

/** What a machine is, as it says itself. */
export type Looked = {
  /** `Debian GNU/Linux 13 (trixie)`. */
  system: string;
  cpu: 'x86-64' | 'arm64';
  hostname: string;
  /** `kvm`, `systemd-nspawn` …; empty where it is a machine of its own or does not say. */
  virtual: string;
  cpus: number;
  memoryMiB: number;
  swapMiB: number;
  disk: { totalMiB: number; freeMiB: number };
  zone: string;
  /** How far its clock is ahead of this computer's, in seconds. */
  clockAheadSeconds: number;
  user: string;
  /** `root`: is root. `free`, `asks`: may use sudo, without a password or maybe with one. `none`: there is no sudo. */
  sudo: 'root' | 'free' | 'asks' | 'none';
  /** The port that its sshd listens on. */
  sshPort: number;
  /** Sockets that are reached from elsewhere, each with the programs behind it as far as we may know. */
  listens: { port: number; programs: string[] }[];
  /** Whether Berth has applied it before. */
  applied: boolean;
};

/**
 * Looks at a machine by one connection and changes nothing on it.
 *
 * @throws BerthError `unsupported_distribution`, `unsupported_architecture`, `no_systemd`, `look_failed`
 */
export async function look(root: string, connect: Connect, signal: AbortSignal): Promise<Looked> {
  const script = await readFile(join(root, 'provisioning/look.sh'), 'utf8');
  const lines: string[] = [];
  let clockAt = Date.now();
  const onLine = (line: string) => {
    if (line.startsWith('clock ')) clockAt = Date.now();
    lines.push(line);
  };
  const argv = ['sh', '-c', script];
  const { stderr } = await connect(argv, { input: () => '', onLine, signal });
  if (lines.at(-1) === 'end') return lookedFrom(lines, clockAt);
  throw new BerthError(
    'look_failed',
    `the machine runs no commands of a POSIX shell: ${(stderr || lines.join('\n')).trim().slice(-300)}`,
    'log in by hand and see what it says',
  );
}

/** `clockAtMs` is when the first line came, by this computer's clock. */
export function lookedFrom(lines: string[], clockAtMs: number): Looked {
  const all = (what: string) =>
    lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
  const one = (what: string) => all(what)[0] ?? '';
  requireSupported(one('system'), all('os').join('\n'), one('systemd'));
  const [total = 0, free = 0] = one('disk').split(' ').map(Number);
  return {
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(all('os').join('\n'))?.[1] ?? '',
    cpu: cpuOf(one('cpu')),
    hostname: one('hostname'),
    virtual: one('virtual') === 'none' ? '' : one('virtual'),
    cpus: Number(one('cpus')) || 1,
    memoryMiB: Math.round(Number(one('memory')) / 1024),
    swapMiB: Math.round(Number(one('swap')) / 1024),
    disk: { totalMiB: Math.round(total / 1024), freeMiB: Math.round(free / 1024) },
    zone: one('zone') || 'UTC',
    clockAheadSeconds: Math.round(Number.parseFloat(one('clock')) * 10 - clockAtMs / 100) / 10,
    user: one('user'),
    sudo: one('sudo') as Looked['sudo'],
    sshPort: Number(one('port')) || 22,
    listens: listeners(all('listens')),
    applied: one('berth') !== '',
  };
}

function requireSupported(system: string, osRelease: string, systemd: string): void {
  if (system !== 'Linux') platformOf(`ID=${system}\nPRETTY_NAME="${system}"`);
  platformOf(osRelease);
  if (systemd === 'yes') return;
  throw new BerthError(
    'no_systemd',
    "systemd is not this machine's first process, so nothing would start there",
    'use a machine with systemd',
  );
}

function cpuOf(machine: string): Looked['cpu'] {
  if (machine === 'x86_64') return 'x86-64';
  if (machine === 'aarch64') return 'arm64';
  throw new BerthError(
    'unsupported_architecture',
    `this machine's processor is ${machine}, which Berth does not support`,
    'use x86-64 or arm64',
  );
}

/** As `ss -Hltnp` shows them; those of the loopback interface are nobody else's business. */
function listeners(lines: string[]): Looked['listens'] {
  const found = new Map<number, Set<string>>();
  for (const line of lines) {
    const [, , , local = ''] = line.split(/\s+/);
    const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(local) ?? [];
    if (port === '' || /^(127\.|\[::1\]|\[::ffff:127\.)/.test(address)) continue;
    const programs = found.get(Number(port)) ?? new Set();
    for (const [, name = ''] of line.matchAll(/"([^"]+)"/g)) programs.add(name);
    found.set(Number(port), programs);
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([port, programs]) => ({ port, programs: [...programs].sort() }));
}
