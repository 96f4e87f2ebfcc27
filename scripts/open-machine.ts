import type { MachinePlace } from './context.ts';
import type { Machine } from './machines/machine.ts';
import type { HostFile } from './settings.ts';

/** The machine that a hosts file describes, which may not exist yet. Loads only its own provider. */
export async function openMachine(
  { name, machine, settings }: HostFile,
  { root, ...place }: MachinePlace,
): Promise<Machine> {
  const { memoryMiB, admin, tls, ssh } = settings;
  if (machine.kind === 'ssh') {
    const { sshMachine } = await import('./machines/ssh.ts');
    return sshMachine({ ...place, ...machine, sshPort: ssh.port, name, admin: admin.user, names: tls.names });
  }
  if (machine.kind === 'vagrant') {
    const { vagrantMachine } = await import('./machines/vagrant.ts');
    return vagrantMachine({ ...place, root, name, user: admin.user });
  }
  const { containerMachine } = await import('./machines/container.ts');
  const size = memoryMiB === null ? {} : { memoryMiB };
  return containerMachine({ ...place, ...machine, ...size, name, user: admin.user, sshPort: ssh.port });
}
