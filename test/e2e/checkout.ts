import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run, runChecked } from '../../scripts/process.ts';
import { eventually } from './computer.ts';

/** A clone of this repository's last commit in a folder of its own, as a new user has it. */
export type Checkout = {
  readonly root: string;
  /** Runs `berth` with these words and returns whatever comes of it. */
  berth(words: string[], options?: RunOptions): Promise<RunResult & { seconds: number }>;
  /** Runs `berth` and fails the test unless it exits 0. */
  must(words: string[], options?: RunOptions): Promise<RunResult & { seconds: number }>;
  /** `berth status --json`. */
  status(): Promise<Status>;
  /** Runs a shell line on the machine as the admin user; fails the test unless it exits 0. */
  ssh(line: string, input?: string | Uint8Array): Promise<string>;
  /** Reboots the machine and resolves once its next boot lets us in: it still answers for a moment after it was asked. */
  reboot(withinSeconds?: number): Promise<void>;
  /** Writes `provisioning/hosts/local.yml`. */
  settings(yaml: string): void;
  /** Takes the machine and the folder away. */
  remove(): Promise<void>;
};

export type Status = {
  url: string;
  ca: string;
  ssh: string;
  release: string | null;
  healthy: boolean;
  commit: string;
  apps: Record<string, { url: string; release: string | null; healthy: boolean }>;
};

const source = join(import.meta.dirname, '../..');

/** `installed`: shares this checkout's node_modules and images instead of making its own. */
export async function cloneRepository({ installed }: { installed: boolean }): Promise<Checkout> {
  const root = mkdtempSync(join(tmpdir(), 'berth-e2e-'));
  await runChecked(['git', 'clone', '--quiet', source, root]);
  await runChecked(['git', '-C', root, 'config', 'user.name', 'Test']);
  await runChecked(['git', '-C', root, 'config', 'user.email', 'test@example.com']);
  if (installed) share(root);
  const berth = async (words: string[], options: RunOptions = {}) => {
    const began = performance.now();
    const result = await run([join(root, 'scripts/berth'), ...words], { cwd: root, ...options });
    return { ...result, seconds: (performance.now() - began) / 1000 };
  };
  const must = async (words: string[], options?: RunOptions) => {
    const result = await berth(words, options);
    if (result.code === 0) return result;
    throw new Error(`berth ${words.join(' ')} exited ${result.code}\n${result.stdout}\n${result.stderr}`);
  };
  return {
    root,
    berth,
    must,
    status: async () => JSON.parse(await lastLine(berth(['status', '--json']))) as Status,
    ssh: async (line, input) =>
      (await must(['ssh', '--', 'sh', '-c', line], input === undefined ? {} : { input })).stdout,
    async reboot(withinSeconds = 60) {
      const boot = async () => (await berth(['ssh', '--', 'cat', '/proc/sys/kernel/random/boot_id'])).stdout;
      const before = await boot();
      await berth(['ssh', '--', 'sudo', 'systemctl', 'reboot']);
      await eventually(
        'a boot of its own',
        withinSeconds,
        async () => !['', before].includes(await boot()) || undefined,
      );
    },
    settings: (yaml) => writeFileSync(join(root, 'provisioning/hosts/local.yml'), yaml),
    async remove() {
      await berth(['destroy', '--yes']);
      // What was built is there for the tests that follow.
      linkKept(root, source);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function lastLine(result: Promise<RunResult>): Promise<string> {
  return (await result).stdout.trim().split('\n').at(-1) ?? '';
}

function share(root: string): void {
  for (const path of ['node_modules', 'scripts/node_modules'])
    symlinkSync(join(source, path), join(root, path));
  // A symlink is not what .gitignore's `node_modules/` means.
  writeFileSync(join(root, '.git/info/exclude'), 'node_modules\n');
  linkKept(source, root);
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return; // another part was quicker
    if (code !== 'EXDEV') throw error;
    copyFileSync(from, `${to}.${process.pid}.partial`);
    renameSync(`${to}.${process.pid}.partial`, to);
  }
}

/** Gives one checkout the images and cached archives of another; each has its content in its name. */
function linkKept(one: string, other: string): void {
  for (const kind of ['images', 'cache']) {
    const from = join(one, '.berth', kind);
    const into = join(other, '.berth', kind);
    mkdirSync(into, { recursive: true });
    const files = existsSync(from) ? readdirSync(from, { withFileTypes: true }) : [];
    for (const { name } of files.filter((entry) => entry.isFile() && !entry.name.endsWith('.partial'))) {
      if (!existsSync(join(into, name))) linkOrCopy(join(from, name), join(into, name));
    }
  }
}
