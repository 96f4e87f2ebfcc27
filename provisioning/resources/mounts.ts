import type { Host } from '../host.ts';
import type { Resource } from './resource.ts';

type MountsState = { active: boolean; options: Record<string, string[] | null> };

/** Directories that are mounts with these options now, by the unit that mounts them so at each boot. */
export function mountOptions(unit: string, wanted: Record<string, string[]>): Resource<MountsState> {
  return {
    id: `mount options of ${Object.keys(wanted).join(', ')}`,
    async check(host) {
      const [state, text] = await Promise.all([host.facts.unit(unit), readMounts(host)]);
      const paths = Object.keys(wanted);
      const options = Object.fromEntries(paths.map((path) => [path, optionsOf(text, path)]));
      return { active: state.active === 'active', options };
    },
    plan({ active, options }) {
      const lacks = ([path, names]: [string, string[]]) =>
        names.some((name) => !options[path]?.includes(name));
      if (active && !Object.entries(wanted).some(lacks)) return [];
      return [{ do: 'run', argv: ['systemctl', 'restart', unit] }];
    },
    inverse: () => ({ stays: `mount options of ${Object.keys(wanted).join(', ')}, until the next boot` }),
  };
}

async function readMounts(host: Host): Promise<string> {
  return (await host.read('/proc/self/mountinfo')) ?? '';
}

/** A mount's own options, the last one's where several lie on top of each other (proc(5)); null: it is none. */
export function optionsOf(mountinfo: string, path: string): string[] | null {
  const lines = mountinfo.split('\n').map((line) => line.split(' '));
  return lines.findLast((fields) => fields[4] === path)?.[5]?.split(',') ?? null;
}
