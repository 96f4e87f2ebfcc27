import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reach } from '../machines/machine.ts';
import { run, runChecked } from '../process.ts';

/** Plays a playbook of `ansible/` as root, with ControlMaster and pipelining; rejects unless it ends well. */
export async function play(
  { sshConfig, alias }: Reach,
  playbook: string,
  env: Record<string, string> = {},
): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const inventory = join(scratch, 'inventory');
  writeFileSync(inventory, `machine ansible_host=${alias} ansible_user=root\n`);
  try {
    const file = join(import.meta.dirname, 'ansible', playbook);
    const { code, stdout, stderr } = await run(['ansible-playbook', '--inventory', inventory, file], {
      env: {
        ANSIBLE_PIPELINING: '1',
        ANSIBLE_SSH_ARGS: `-F ${sshConfig} -o ControlMaster=auto -o ControlPersist=60s`,
        ...env,
      },
    });
    if (code === 0) return stdout;
    throw new Error(`ansible-playbook: ${stdout}\n${stderr}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Ansible needs Python on the machine, which a bare Debian has not. */
export async function bringPython({ sshConfig = '', alias }: Reach): Promise<void> {
  const line = 'apt-get -qq update && apt-get -qq -y install python3';
  await runChecked(['ssh', '-F', sshConfig, '-l', 'root', alias, line]);
}
