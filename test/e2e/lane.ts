import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Place, placeOf } from '../../scripts/machines/container/place.ts';
import { leaderOf } from '../../scripts/machines/container/processes.ts';
import { containerMachine } from '../../scripts/machines/container.ts';
import { runChecked } from '../../scripts/process.ts';
import { quietReport } from '../../scripts/report.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { eventually } from './computer.ts';

/** A checkout whose templates are spoilt, with an applied machine that must come through it. */
export type Lane = Checkout & {
  place: Place;
  /** Replaces a text of the checkout, which has to be there. */
  edit(path: string, from: string, to: string): void;
  /** Everything as it was committed, with these settings. */
  mend(settings?: string): Promise<void>;
  /** Names, attributes, times and contents of everything that people log in by, and what programs make of it. */
  look(): Promise<string>;
  /** Whether a risky change waits to be confirmed or is being taken back. */
  isArmed(): boolean;
  /** Reboots the machine from outside, whoever is let in. */
  pullTheLever(): Promise<void>;
};

export const settings = 'machine: {kind: container}\nconfirm_within: 10s\napps: {api: {}}\n';

const seen = `
for path in /etc/ssh /etc/sudoers /etc/sudoers.d /etc/passwd /etc/group /etc/shadow /home/deploy/.ssh \\
  /etc/systemd/system/ssh.service.d /etc/systemd/system/sysinit.target.wants /etc/systemd/network /etc/fail2ban \\
  $(ls -d /etc/berth/firewall* 2>/dev/null); do
  [ -e "$path" ] || continue
  find "$path" -type d -printf '%p %m %u:%g\\n' -o -printf '%p %y %m %u:%g %T@ %l\\n' | sort
  find "$path" -type f -exec sha256sum {} + | sort
done
stat -c '%n %a %U:%G' /home/deploy
systemctl is-active ssh.service
ss -Htln 'sport = :22 or sport = :2022' | awk '{ print $4 }' | sort
sshd -T | sort
! command -v nft >/dev/null || nft --stateless --terse list ruleset
`;

/** A machine without an application: nothing of these tests is about one. */
export async function openLane(): Promise<Lane> {
  const checkout = await cloneRepository({ installed: true });
  const { root } = checkout;
  const stateDirectory = join(root, '.berth');
  const place = placeOf(stateDirectory, 'local');
  checkout.settings(settings);
  const machine = containerMachine({
    ...{ name: 'local', stateDirectory, image: 'debian-13', network: '10.77.0.0/24', memoryMiB: 2048 },
  });
  await machine.create(quietReport());
  return {
    ...checkout,
    place,
    edit(path, from, to) {
      const text = readFileSync(join(root, path), 'utf8');
      if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`);
      writeFileSync(join(root, path), text.replace(from, to));
    },
    async mend(yaml = settings) {
      await runChecked(['git', '-C', root, 'checkout', '--quiet', '.']);
      checkout.settings(yaml);
    },
    look: () => checkout.ssh(`sudo -n sh -c "$(cat)"`, seen),
    isArmed() {
      const guard = join(place.rootfs, 'var/lib/berth/guard');
      return existsSync(guard) && readdirSync(guard).some((name) => /^(armed|undoing)\./.test(name));
    },
    async pullTheLever() {
      const leader = leaderOf(place.id);
      await runChecked(['nsenter', '-t', String(leader), '-a', 'systemctl', 'reboot']);
      await eventually('another boot', 60, async () => {
        const next = leaderOf(place.id);
        return next !== undefined && next !== leader ? true : undefined;
      });
    },
  };
}
