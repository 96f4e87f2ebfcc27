import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

type Assessment = { unit: string; exposure: string };

/** By unit, the most that `systemd-analyze security` may say of it; the first that matches counts. */
const limits = (apps: string[]): [what: string, title: string, unit: RegExp, most: number][] => [
  [
    'applications',
    'applications are shut in',
    new RegExp(`^(${apps.join('|')})(-workers|-release)?(@.*)?\\.service$`),
    1.3,
  ],
];

/** How much of the system a unit's processes could reach if they were taken over. */
export const exposure: Check = { id: 'exposure', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const said = await host.must(['systemd-analyze', 'security', '--no-pager', '--json=short']);
  const all = JSON.parse(said) as Assessment[];
  const starters = Object.keys(settings.apps).map((app) => `${app}.service`);
  return limits(Object.keys(settings.apps)).map(([what, title, unit, most]) => {
    // An application's boot unit is Berth's own, and root's.
    const those = all.filter((each) => unit.test(each.unit) && !starters.includes(each.unit));
    return judge(
      {
        id: `exposure.${what}`,
        title: `${title}: exposure of at most ${most}`,
        fix: 'berth apply; systemd-analyze security <unit> names each point',
        reference: 'systemd-analyze(1)',
      },
      those.filter((each) => Number(each.exposure) > most).map((each) => `${each.unit} ${each.exposure}`),
      those.map((each) => `${each.unit} ${each.exposure}`).join(', ') || 'none runs',
    );
  });
}
