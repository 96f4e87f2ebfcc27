import type { Resource } from './resource.ts';

export function hostname(name: string): Resource<string> {
  return {
    id: 'hostname',
    check: async (host) => ((await host.read('/etc/hostname')) ?? '').trim(),
    plan: (found) =>
      found === name ? [] : [{ do: 'run', argv: ['hostnamectl', 'set-hostname', '--static', name] }],
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
  };
}

type SwapState = { container: boolean; swapMiB: number; memoryMiB: number; inFstab: boolean };

const swapFile = '/swapfile';

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
        inFstab: (fstab ?? '').includes(`${swapFile} none swap`),
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
        input: `\n${swapFile} none swap sw 0 0\n`,
      } as const;
      return [...(swapMiB > 0 ? [] : make), ...(inFstab ? [] : [fstab])];
    },
    notices: ({ container, memoryMiB }) =>
      container && memoryMiB < 2000 ? ['swap: skipped, a container cannot have its own'] : [],
  };
}
