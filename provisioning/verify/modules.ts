import type { Check, Finding, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

const rule = {
  id: 'modules.blocked',
  title: 'kernel modules that a server has no use for cannot be loaded',
  fix: 'berth apply; sudo modprobe -r <module> for one that is loaded',
  reference: 'CIS Debian 12 1.1.1, 3.2',
};
const unwanted = [
  ...['cramfs', 'freevxfs', 'hfs', 'hfsplus', 'jffs2', 'udf'],
  ...['dccp', 'sctp', 'rds', 'tipc', 'usb_storage', 'firewire_core'],
];

/** What modprobe would do, and what is loaded already. */
export const modules: Check = { id: 'modules', run };

async function run({ host }: Subject): Promise<Finding[]> {
  if (await host.facts.container()) return [skip(rule, 'a container has its host’s kernel')];
  const [config, loaded] = await Promise.all([
    host.must(['modprobe', '--showconfig']),
    host.read('/proc/modules'),
  ]);
  const blocked = new Set(
    [...config.matchAll(/^install (\S+) \S*\/(?:false|true)\b/gm)].map(([, name = '']) =>
      name.replaceAll('-', '_'),
    ),
  );
  const here = new Set((loaded ?? '').split('\n').map((line) => line.split(' ')[0]));
  const wrong = unwanted.flatMap((name) => [
    ...(here.has(name) ? [`${name} is loaded`] : []),
    ...(blocked.has(name) || here.has(name) ? [] : [`${name} could be loaded`]),
  ]);
  return [judge(rule, wrong, unwanted.join(', '))];
}
