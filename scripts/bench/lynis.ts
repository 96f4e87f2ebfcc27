import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { containerMachine } from '../machines/container.ts';
import { runChecked } from '../process.ts';
import { quietReport } from '../report.ts';
import { bringPython, play } from './play.ts';

/**
 * What Debian's Lynis and `systemd-analyze security` say of a machine before and after `berth up`: both hardening
 * indexes (default profile, no test skipped), what Lynis suggests still, and the exposure of each unit. On a container
 * machine of its own, which has no kernel, clock or boot loader to harden. Run it as `node scripts/bench/lynis.ts`, with
 * the Node of the lock file; `--image debian-12`, `--keep` leaves the machine for a look. `--roles <directory>`: beside it
 * a machine of popular Ansible roles, checkouts in that directory (`ansible/roles.yml`), and the same with the hardening
 * of dev-sec.io on top; that wants Debian's `ansible`.
 */
const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'debian-13' },
    keep: { type: 'boolean', default: false },
    roles: { type: 'string' },
  },
});
const image = values.image === 'debian-12' ? 'debian-12' : 'debian-13';
const root = join(import.meta.dirname, '../..');
const name = 'bench-lynis';
const network = process.env.BERTH_NETWORK ?? '10.77.0.0/24';
const hosts = join(root, `provisioning/hosts/${name}.yml`);
const report = quietReport(console.error);
const machine = containerMachine({ name, stateDirectory: join(root, '.berth'), image, network });

type Audit = { index: string; found: string[]; exposure: [unit: string, value: string][] };

try {
  await machine.create(report);
  await on('root', ['sh', '-c', 'apt-get -qq update && apt-get -qq -y install lynis']);
  const bare = await audit('root');
  writeFileSync(
    hosts,
    JSON.stringify({ machine: { kind: 'container', image, network }, apps: { api: { watch: '0s' } } }),
  );
  await runChecked([process.execPath, join(root, 'scripts/berth.ts'), 'up', '--dirty', '--host', name]);
  show(bare, await audit('deploy'));
  if (values.roles !== undefined) await besideRoles(values.roles);
} finally {
  if (!values.keep) {
    await machine.destroy(report);
    rmSync(hosts, { force: true });
  }
}

async function besideRoles(directory: string): Promise<void> {
  const other = containerMachine({
    name: 'bench-roles',
    stateDirectory: join(root, '.berth'),
    image,
    network,
  });
  const env = { ANSIBLE_ROLES_PATH: `${directory}:${join(directory, 'ansible-collection-hardening/roles')}` };
  try {
    await other.create(report);
    const reach = await other.reach();
    await bringPython(reach);
    await on('root', ['sh', '-c', 'apt-get -qq -y install lynis'], other);
    for (const playbook of ['roles.yml', 'devsec.yml']) {
      await play(reach, playbook, env);
      console.log(`Lynis' hardening index after ${playbook}: ${(await audit('root', other)).index}`);
    }
  } finally {
    await other.destroy(report);
  }
}

async function on(user: string, argv: string[], at = machine): Promise<string> {
  const { sshConfig = '', alias } = await at.reach();
  const command = (user === 'root' ? argv : ['sudo', ...argv]).map(quoted).join(' ');
  return (await runChecked(['ssh', '-F', sshConfig, '-l', user, alias, command])).stdout;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

async function audit(user: string, at = machine): Promise<Audit> {
  // It ends with another code where it warns.
  const line = 'lynis audit system --quick --no-colors >/var/log/lynis-screen.log 2>&1 || true';
  await on(user, ['sh', '-c', line], at);
  const text = await on(user, ['cat', '/var/log/lynis-report.dat'], at);
  const said = await on(user, ['systemd-analyze', 'security', '--no-pager', '--json=short'], at);
  const units = JSON.parse(said) as { unit: string; exposure: string }[];
  return {
    index: /^hardening_index=(\d+)$/m.exec(text)?.[1] ?? '?',
    found: text.match(/^(?:warning|suggestion)\[\]=.*$/gm) ?? [],
    exposure: units.map(({ unit, exposure }) => [unit, exposure]),
  };
}

function show(bare: Audit, applied: Audit): void {
  console.log(`Lynis' hardening index of ${image}: bare ${bare.index}, applied ${applied.index}\n`);
  for (const line of applied.found) console.log(line.replaceAll('|-', ''));
  console.log('\nexposure (systemd-analyze security), bare and applied');
  const before = new Map(bare.exposure);
  for (const [unit, value] of applied.exposure)
    console.log(`${value.padStart(4)}  ${(before.get(unit) ?? '-').padStart(4)}  ${unit}`);
}
