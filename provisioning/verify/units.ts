import type { Host } from '../host.ts';
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
  title: 'the timers of the settings wait for their time',
  fix: 'berth apply',
  reference: 'Berth',
};

/** Units as systemd has them now. */
export const units: Check = { id: 'units', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const { postgresql } = await host.facts.platform();
  const { backup } = settings;
  const cluster = `postgresql@${postgresql}-main.service`;
  const services = [
    'nginx.service',
    cluster,
    'ssh.service',
    ...Object.keys(settings.apps).map((app) => `${app}.service`),
  ];
  const wanted = backup.enabled
    ? ['berth-backup.timer', ...(backup.drill === 'off' ? [] : ['berth-drill.timer'])]
    : [];
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
    judge(timers, notWaiting, wanted.join(', ') || 'none are set'),
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
