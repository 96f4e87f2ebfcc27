import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

type Assessment = { unit: string; exposure: string };

/** By unit, the most that `systemd-analyze security` may say of it. */
const limits = (apps: string): [what: string, title: string, unit: RegExp, most: number][] => [
  [
    'applications',
    'applications are shut in',
    RegExp(`^(${apps})(@.+|-workers|-release@.+)\\.service$`),
    1.3,
  ],
  ['postgresql', 'PostgreSQL is shut in', /^postgresql@.+\.service$/, 1.2],
  ['nginx', 'nginx is shut in', /^nginx\.service$/, 2.5],
  ['fail2ban', 'fail2ban is shut in', /^fail2ban\.service$/, 2],
  // Not what takes back a change of anything: it may do anything.
  ['berth', 'Berth’s own units are shut in', RegExp(`^((${apps})|berth-(?!undo|run).+)\\.service$`), 4],
  ['ssh', 'sshd, which lets people be root, is shut in as far as that goes', /^ssh\.service$/, 9],
];

/** How much of the system a unit's processes could reach if they were taken over. */
export const exposure: Check = { id: 'exposure', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const said = await host.must(['systemd-analyze', 'security', '--no-pager', '--json=short']);
  const all = JSON.parse(said) as Assessment[];
  return limits(Object.keys(settings.apps).join('|')).map(([what, title, unit, most]) => {
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
