import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { run } from '../process.ts';

/** Whether Vagrant is installed with a provider that works here: VirtualBox, or libvirt with KVM. */
export async function vagrantIsUsable(): Promise<boolean> {
  if (!isInstalled('vagrant')) return false;
  return (await virtualBoxRuns()) || (await libvirtRuns());
}

/** It warns, and ends with 0 all the same, where its kernel module is missing. */
async function virtualBoxRuns(): Promise<boolean> {
  if (!isInstalled('VBoxManage')) return false;
  const { code, stdout, stderr } = await run(['VBoxManage', '--version']);
  return code === 0 && !/warning|error/i.test(stdout + stderr);
}

/** The plugin is asked last: that takes seconds. */
async function libvirtRuns(): Promise<boolean> {
  if (!may('/dev/kvm', constants.R_OK | constants.W_OK)) return false;
  const sockets = ['libvirt-sock', 'virtqemud-sock'].map((name) => answers(`/run/libvirt/${name}`));
  if (!(await Promise.all(sockets)).includes(true)) return false;
  return /^vagrant-libvirt /m.test((await run(['vagrant', 'plugin', 'list'])).stdout);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

function isInstalled(program: string): boolean {
  const directories = (process.env.PATH ?? '').split(delimiter);
  return directories.some((directory) => may(join(directory, program), constants.X_OK));
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
