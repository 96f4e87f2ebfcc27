import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureImage } from '../../scripts/machines/container/image.ts';
import type { ImageName } from '../../scripts/machines/container/recipe.ts';
import { quietReport } from '../../scripts/report.ts';
import { type Checkout, cloneRepository } from '../e2e/checkout.ts';
import { eventually } from '../e2e/computer.ts';
import { type Emulated, startEmulated } from './machine.ts';

const report = quietReport(console.log);

/** A bare emulated machine that has booted and lets root in, and a clone whose `local` it is. */
export async function emulatedMachine(options: {
  image: ImageName;
  /** Everything of the machine and of its person's home is kept here. */
  directory: string;
  name: string;
  packages: string[];
}): Promise<{ checkout: Checkout; machine: Emulated }> {
  const { image, directory, name, packages } = options;
  const checkout = await cloneRepository({ installed: true });
  const tar = await ensureImage(image, join(checkout.root, '.berth/images'), report);
  const machine = await startEmulated({ tar, directory, name, packages });
  trustHostKey(machine, directory);
  const { sshPort, httpsPort, identity, publicKey } = machine;
  checkout.settings(
    JSON.stringify({
      machine: { kind: 'ssh', host: '127.0.0.1', port: sshPort, identity },
      hostname: name,
      admin: { keys: [publicKey] },
      nginx: { public_https_port: httpsPort },
      apps: { api: { watch: '0s', start_timeout: '10m' } },
    }),
  );
  await eventually('the first boot', 900, async () => (await machine.ssh('root', 'echo up')) || undefined);
  return { checkout, machine };
}

/** OpenSSH takes its known hosts from the configuration that the person has, which here is the test's own. */
function trustHostKey({ sshPort, hostKey }: Emulated, directory: string): void {
  mkdirSync(join(directory, '.ssh'), { recursive: true });
  const known = join(directory, 'known_hosts');
  writeFileSync(known, `[127.0.0.1]:${sshPort} ${hostKey}\n`);
  writeFileSync(join(directory, '.ssh/config'), `UserKnownHostsFile ${known}\n`);
  process.env.HOME = directory;
}
