import { parseWaiting, simulatedUpgrade, type Update } from '../updates.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { advise, judge, skip } from './finding.ts';

const rules = {
  security: {
    id: 'updates.security',
    title: 'no security update waits',
    fix: 'sudo unattended-upgrade, or wait for tonight’s run',
    reference: 'CIS Debian 12 1.2.2.1',
  },
  others: {
    id: 'updates.others',
    title: 'no other update waits',
    fix: 'sudo apt-get upgrade when it suits',
    reference: 'CIS Debian 12 1.2.2.1',
  },
  postgresql: {
    id: 'updates.postgresql',
    title: 'no update of PostgreSQL waits',
    fix: 'sudo apt-get install --only-upgrade postgresql-<version> when it suits: its restart ends every connection',
    reference: 'CIS Debian 12 1.2.2.1',
  },
  automatic: {
    id: 'updates.automatic',
    title: 'security updates come by themselves',
    fix: 'berth apply, and upgrades.automatic: true in the hosts file',
    reference: 'CIS Debian 12 1.2.2.1',
  },
  lists: {
    id: 'updates.lists',
    title: 'the package lists are of the last 3 days',
    fix: 'sudo apt-get update; systemctl status apt-daily.timer',
    reference: 'CIS Debian 12 1.2.1',
  },
  reboot: {
    id: 'updates.reboot',
    title: 'no update waits for a reboot',
    fix: 'sudo systemctl reboot, or set upgrades.reboot',
    reference: 'CIS Debian 12 1.2.2.1',
  },
};

/** Packages that have newer versions, by the package lists that the machine has. */
export const updates: Check = { id: 'updates', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const [simulated, config, stamp, required, which] = await Promise.all([
    host.must(simulatedUpgrade),
    host.must(['apt-config', 'dump', 'APT::Periodic']),
    host.run(['stat', '--format=%Y', '/var/lib/apt/lists']),
    host.stat('/run/reboot-required'),
    host.read('/run/reboot-required.pkgs'),
  ]);
  const waiting = parseWaiting(simulated);
  const named = (those: Update[]) => those.map(({ name, to }) => `${name} ${to}`);
  const automatic = periodic(config, 'Unattended-Upgrade') && periodic(config, 'Update-Package-Lists');
  const security = named(waiting.security);
  const days = (Date.now() / 1000 - Number(stamp.stdout)) / 86_400;
  return [
    // What comes by itself within a day is on its way.
    automatic && days < 2
      ? advise(rules.security, security, 'none')
      : judge(rules.security, security, 'none'),
    advise(rules.others, named(waiting.others), 'none'),
    advise(rules.postgresql, named(waiting.postgresql), 'none'),
    settings.upgrades.automatic
      ? judge(
          rules.automatic,
          automatic ? [] : ['unattended-upgrades is not on'],
          'unattended-upgrades, daily',
        )
      : skip(rules.automatic, 'upgrades.automatic is false'),
    advise(
      rules.lists,
      days < 3 ? [] : [`${Math.floor(days)} days old`],
      `${Math.max(0, days).toFixed(1)} days old`,
    ),
    advise(
      rules.reboot,
      required ? [[...new Set(which?.split('\n').filter(Boolean))].join(', ') || 'asked for'] : [],
      'none',
    ),
  ];
}

function periodic(dump: string, key: string): boolean {
  return new RegExp(`^APT::Periodic::${key} "([1-9]\\d*)"`, 'm').test(dump);
}
