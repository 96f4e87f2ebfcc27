import { basename } from 'node:path';
import { timerFiles } from '../backups/timers.ts';
import { appsOfBroker } from '../broker/conf.ts';
import { brokerService } from '../broker/units.ts';
import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const failed = {
  id: 'units.failed',
  title: 'no unit has failed',
  fix: 'systemctl status <unit> on the machine; systemctl reset-failed once it is mended',
  reference: 'systemd',
};
const running = {
  id: 'units.running',
  title: 'what the machine is for runs, and starts at boot',
  fix: 'berth apply; sudo journalctl -u <unit> says why',
  reference: 'Berth',
};
const timers = {
  id: 'units.timers',
  title: 'what starts by itself waits for its time',
  fix: 'berth apply; of apt’s: sudo systemctl enable --now <unit>',
  reference: 'Berth',
};

/** Units as systemd has them now. */
export const units: Check = { id: 'units', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const { postgresql } = await host.facts.platform();
  const cluster = `postgresql@${postgresql}-main.service`;
  const services = [
    'nginx.service',
    cluster,
    'ssh.service',
    ...(settings.firewall.ban ? ['fail2ban.service'] : []),
    ...(appsOfBroker(settings).length > 0 ? [brokerService] : []),
    ...Object.keys(settings.apps).map((app) => `${app}.service`),
  ];
  const wanted = waiting(settings);
  const [list, notRunning, notWaiting] = await Promise.all([
    host.must(['systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--full']),
    standing(host, services),
    standing(host, wanted),
  ]);
  const names = list
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(/\s+/)[0] as string);
  return [
    judge(failed, names, 'none'),
    judge(running, notRunning, services.join(', ')),
    judge(timers, notWaiting, wanted.join(', ')),
  ];
}

/** What of the settings begins without a command. */
export function waiting(settings: Settings): string[] {
  const { automatic, reboot } = settings.upgrades;
  return [
    ...Object.keys(timerFiles(settings))
      .map((path) => basename(path))
      .filter((unit) => unit.endsWith('.timer')),
    ...['berth-drift.timer', 'berth-notify.path'],
    ...(settings.tls.kind === 'letsencrypt' ? ['berth-certificate.timer'] : []),
    ...(reboot === 'off' ? [] : ['berth-reboot.timer']),
    ...(automatic ? ['apt-daily.timer', 'apt-daily-upgrade.timer'] : []),
  ];
}

async function standing(host: Host, names: string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const { active, enabled } = await host.facts.unit(name);
      // Ubuntu starts sshd by its socket, and Debian each cluster by postgresql.service.
      const starts = /^(enabled|alias|indirect|static)/.test(enabled) || /^(ssh|postgresql@)/.test(name);
      return [
        ...(active === 'active' ? [] : [`${name} is ${active}`]),
        ...(starts ? [] : [`${name} is ${enabled || 'unknown'}`]),
      ];
    }),
  );
  return found.flat();
}
