import type { Change } from '../change.ts';
import type { Host } from '../host.ts';
import type { Goal, Resource } from './resource.ts';

export function hostname(name: string): Resource<string> {
  return {
    id: 'hostname',
    check: async (host) => ((await host.read('/etc/hostname')) ?? '').trim(),
    plan: (found) =>
      found === name ? [] : [{ do: 'run', argv: ['hostnamectl', 'set-hostname', '--static', name] }],
    inverse: () => ({ stays: 'the host name' }),
  };
}

export function timezone(zone: string): Resource<string> {
  return {
    id: 'time zone',
    async check(host) {
      const found = await host.stat('/etc/localtime');
      return found?.target?.replace(/^.*\/zoneinfo\//, '') ?? '';
    },
    // UTC is Etc/UTC under its older name, and timedatectl writes either.
    plan: (found) =>
      found.replace(/^Etc\/UTC$/, 'UTC') === zone.replace(/^Etc\/UTC$/, 'UTC')
        ? []
        : [{ do: 'run', argv: ['timedatectl', 'set-timezone', zone] }],
    inverse: () => ({ stays: 'the time zone' }),
  };
}

type SwapState = {
  container: boolean;
  swapMiB: number;
  memoryMiB: number;
  inFstab: boolean;
};

const swapFile = '/swapfile';
const swapLine = `${swapFile} none swap sw 0 0`;

/** 1 GiB of swap where the machine has less than 2 GiB of memory and none yet, and its kernel takes any. */
export function swap(): Resource<SwapState> {
  return {
    id: 'swap',
    async check(host) {
      const [container, swaps, fstab] = await Promise.all([
        host.facts.container(),
        host.read('/proc/swaps'),
        host.read('/etc/fstab'),
      ]);
      const kiB = (swaps ?? '')
        .split('\n')
        .slice(1)
        .map((line) => Number(line.split(/\s+/)[2] ?? 0));
      return {
        container,
        memoryMiB: host.memoryMiB,
        swapMiB: kiB.reduce((sum, size) => sum + size, 0) / 1024,
        inFstab: (fstab ?? '').includes(swapLine),
      };
    },
    plan({ container, swapMiB, memoryMiB, inFstab }) {
      if (container || memoryMiB >= 2000 || (swapMiB > 0 && !inFstab)) return [];
      const make = [
        ['install', '--mode=0600', '/dev/null', swapFile],
        ['fallocate', '--length', '1GiB', swapFile],
        ['mkswap', swapFile],
        ['swapon', swapFile],
      ].map((argv) => ({ do: 'run', argv, action: 'add' }) as const);
      const fstab = {
        do: 'run',
        argv: ['tee', '-a', '/etc/fstab'],
        input: `\n${swapLine}\n`,
      } as const;
      return [...(swapMiB > 0 ? [] : make), ...(inFstab ? [] : [fstab])];
    },
    notices: ({ container, memoryMiB }) =>
      container && memoryMiB < 2000 ? ['swap: skipped, a container cannot have its own'] : [],
    inverse: () => ({ goal: noSwap() }),
  };
}

type NoSwapState = { on: boolean; inFstab: boolean; file: boolean };

/** Our swap is off; the line in fstab goes last, since it says that the file is ours. */
function noSwap(): Goal<NoSwapState> {
  return {
    id: 'no swap',
    async check(host: Host) {
      const [swaps, fstab, file] = await Promise.all([
        host.read('/proc/swaps'),
        host.read('/etc/fstab'),
        host.stat(swapFile),
      ]);
      const on = (swaps ?? '').startsWith(`${swapFile} `) || (swaps ?? '').includes(`\n${swapFile} `);
      return { on, inFstab: (fstab ?? '').includes(swapLine), file: file !== null };
    },
    plan({ on, inFstab, file }) {
      if (!inFstab) return [];
      const forget = ['sed', '--in-place', `\\|^${swapLine}$|d`, '/etc/fstab'];
      const off: Change[] = on ? [{ do: 'run', argv: ['swapoff', swapFile], action: 'remove' }] : [];
      const unlink: Change[] = file ? [{ do: 'remove', path: swapFile }] : [];
      return [...off, ...unlink, { do: 'run', argv: forget, action: 'remove' }];
    },
  };
}
