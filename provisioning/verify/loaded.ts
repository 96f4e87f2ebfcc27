import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const directory = '/run/berth/loaded';

/** Whether services run by what their files say now: systemd wrote down what they read when they last read it. */
export const loaded: Check = { id: 'loaded', run };

async function run({ host }: Subject): Promise<Finding[]> {
  const units = (await host.list(directory)).sort();
  const differing = await Promise.all(
    units.map(async (unit) => {
      const { stdout } = await host.run(['sha256sum', '--check', '--quiet', `${directory}/${unit}`]);
      const files = [...stdout.matchAll(/^(.+): FAILED/gm)].map(([, path]) => path);
      return files.map((path) => `${unit} has not read ${path} as it is`);
    }),
  );
  return [
    judge(
      {
        id: 'loaded.files',
        title: 'services run by their files as they are now',
        fix: 'berth apply; or systemctl reload <unit>',
        reference: 'Berth',
      },
      differing.flat(),
      units.join(', '),
    ),
  ];
}
