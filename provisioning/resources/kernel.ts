import type { Change } from '../change.ts';
import type { Host } from '../host.ts';
import { type FileState, file, planWrite, readFileState } from './file.ts';
import type { Resource } from './resource.ts';

type SettingsState = FileState & {
  container: boolean;
  /** What the kernel goes by now; null: it has no such setting for us. */
  live: Record<string, string | null>;
};

/** Kernel settings as a file of sysctl.d says, there for the next boot and in force now. */
export function kernelSettings(path: string, content: string): Resource<SettingsState> {
  const wanted = parseSettings(content);
  return {
    id: 'kernel settings',
    async check(host) {
      const [state, container] = await Promise.all([readFileState(host, path), host.facts.container()]);
      const keys = Object.keys(wanted).filter((key) => ours(key, container));
      const live = await Promise.all(keys.map(async (key) => [key, await readSetting(host, key)] as const));
      return { ...state, container, live: Object.fromEntries(live) };
    },
    plan({ stat, content: before, live }) {
      const wantedFile = { path, content, mode: 0o644, owner: 'root', group: 'root', before };
      const pairs = Object.entries(wanted)
        .filter(([key, value]) => typeof live[key] === 'string' && live[key] !== value)
        .map(([key, value]) => `${key}=${value}`);
      const set: Change[] =
        pairs.length > 0 ? [{ do: 'run', argv: ['sysctl', '--quiet', '--write', ...pairs] }] : [];
      return [...planWrite({ do: 'write', ...wantedFile }, stat), ...set];
    },
    notices: ({ container }) =>
      container
        ? ["skipped, a container has its host's: kernel settings other than net.*, kernel modules, the clock"]
        : [],
    inverse: (options) => ({
      ...file({ path, content }).inverse(options),
      stays: 'kernel settings, until the next boot',
    }),
  };
}

/** `key = value` a line, as sysctl.d(5) has it. */
export function parseSettings(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

function ours(key: string, container: boolean): boolean {
  return !container || key.startsWith('net.');
}

/** A few settings of net.* are the whole kernel's: a container may not read them. */
async function readSetting(host: Host, key: string): Promise<string | null> {
  const text = await host.read(`/proc/sys/${key.replaceAll('.', '/')}`).catch(() => null);
  return text?.trim() ?? null;
}

/** Names of modules, several a line. */
export function parseModules(text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines.flatMap((line) => line.split(' ').filter(Boolean));
}

type ModulesState = FileState & { container: boolean; loaded: string[] };

/** Begins the file, and says what else would only be known at the first apply. */
const leftOut = '# Kept by berth apply. In use at the first apply, and left out:';

/**
 * Kernel modules that never load any more, also not when a device or a program asks for them. What is in use when the
 * file is first written is left out, then and later: what happens to be loaded tells nothing about a file.
 */
export function blockedModules(path: string, names: string[]): Resource<ModulesState> {
  return {
    id: 'blocked kernel modules',
    async check(host) {
      const [state, container, modules] = await Promise.all([
        readFileState(host, path),
        host.facts.container(),
        host.read('/proc/modules'),
      ]);
      const loaded = (modules ?? '').split('\n').map((line) => line.split(' ')[0] ?? '');
      return { ...state, container, loaded };
    },
    plan({ stat, content: before, container, loaded }) {
      const inUse = names.filter((name) => loaded.includes(name.replaceAll('-', '_')));
      // A container's modules are its host's, whatever the container has.
      const without = container ? [] : (modulesLeftOut(before ?? '') ?? inUse);
      const blocked = names.filter((name) => !without.includes(name));
      const lines = blocked.map((name) => `install ${name} /bin/false\n`);
      const content = `${leftOut} ${without.join(' ') || 'none'}\n${lines.join('')}`;
      return planWrite(
        { do: 'write', path, content, mode: 0o644, owner: 'root', group: 'root', before },
        stat,
      );
    },
    inverse: file({ path, content: '' }).inverse,
  };
}

/** Which modules a file of `blockedModules` leaves out; null: it does not say. */
export function modulesLeftOut(content: string): string[] | null {
  const line = content.split('\n').find((line) => line.startsWith(leftOut));
  if (line === undefined) return null;
  return line
    .slice(leftOut.length)
    .split(' ')
    .filter((name) => name !== '' && name !== 'none');
}
