import { appsOfBroker } from '../broker/conf.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

type Assessment = { unit: string; exposure: string };

/** By unit, the most that `systemd-analyze security` may say of it. */
type Limit = [what: string, title: string, unit: RegExp, most: number];

const limits = (apps: string): Limit[] => [
  [
    'applications',
    'applications are shut in',
    RegExp(`^(${apps})(@.+|-workers|-release@.+)\\.service$`),
    1.3,
  ],
  ['postgresql', 'PostgreSQL is shut in', /^postgresql@.+\.service$/, 1.2],
  ['nginx', 'nginx is shut in', /^nginx\.service$/, 2.5],
  ['fail2ban', 'fail2ban is shut in', /^fail2ban\.service$/, 2],
  ['berth', 'Berth’s own units are shut in', RegExp(`^((${apps})|berth-.+)\\.service$`), 4],
  ['ssh', 'sshd, which lets people be root, is shut in as far as that goes', /^ssh\.service$/, 9],
];

/** Where it is Berth's. */
const broker: Limit = ['rabbitmq', 'RabbitMQ is shut in', /^(rabbitmq-server|epmd)\.service$/, 1.2];

/**
 * Berth's, which end again, and which the list of all leaves out. Not here: what takes changes back, mounts and reboots,
 * of no use without the power that it has.
 */
const tasks = ['backup', 'drill', 'drift', 'failed@', 'firewall', 'notify', 'updates'].map(
  (name) => `berth-${name}.service`,
);

/** How much of the system a unit's processes could reach if they were taken over. */
export const exposure: Check = { id: 'exposure', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const apps = Object.keys(settings.apps);
  const analyze = ['systemd-analyze', 'security', '--no-pager'];
  const there = await host.list('/etc/systemd/system');
  const own = [...apps.map((app) => `${app}.service`), ...tasks].filter((unit) => there.includes(unit));
  const [services, ours] = await Promise.all([
    host.must([...analyze, '--json=short']),
    own.length === 0 ? '' : host.must([...analyze, ...own]),
  ]);
  const others = (JSON.parse(services) as Assessment[]).filter(({ unit }) => !/^berth-/.test(unit));
  const all = [...others, ...parseOverall(ours)];
  const judged = [...limits(apps.join('|')), ...(appsOfBroker(settings).length > 0 ? [broker] : [])];
  return judged.map(([what, title, unit, most]) => {
    const those = all.filter((each) => unit.test(each.unit));
    const named = (units: Assessment[]) => units.map((each) => `${each.unit} ${each.exposure}`);
    return judge(
      {
        id: `exposure.${what}`,
        title: `${title}: exposure of at most ${most}`,
        fix: 'berth apply; systemd-analyze security <unit> names each point',
        reference: 'systemd-analyze(1)',
      },
      named(those.filter((each) => Number(each.exposure) > most)),
      named(those).join(', ') || 'none is loaded',
    );
  });
}

/** Lines such as `→ Overall exposure level for berth-backup.service: 2.9 OK`. */
function parseOverall(text: string): Assessment[] {
  return [...text.matchAll(/exposure level for (\S+): ([\d.]+)/g)].map(([, unit = '', exposure = '']) => ({
    unit,
    exposure,
  }));
}
