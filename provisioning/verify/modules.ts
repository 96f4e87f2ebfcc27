import { blockedModulesPath } from '../hardening.ts';
import { modulesLeftOut } from '../resources/kernel.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { skip, weigh } from './finding.ts';

const rule = {
  id: 'modules.blocked',
  title: 'kernel modules that a server has no use for cannot be loaded',
  fix: `berth apply; of one that is in use: sudo modprobe -r <module>, rm ${blockedModulesPath}, then berth apply`,
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
  const [config, loaded, ours] = await Promise.all([
    host.must(['modprobe', '--showconfig']),
    host.read('/proc/modules'),
    host.read(blockedModulesPath),
  ]);
  const blocked = new Set(
    [...config.matchAll(/^install (\S+) \S*\/(?:false|true)\b/gm)].map(([, name = '']) =>
      name.replaceAll('-', '_'),
    ),
  );
  const here = new Set((loaded ?? '').split('\n').map((line) => line.split(' ')[0]));
  const left = (modulesLeftOut(ours ?? '') ?? []).map((name) => name.replaceAll('-', '_'));
  const told = unwanted.flatMap((name) => {
    if (here.has(name)) return [{ name, text: `${name} is loaded` }];
    return blocked.has(name) ? [] : [{ name, text: `${name} could be loaded` }];
  });
  const texts = (ofLeft: boolean) =>
    told.filter(({ name }) => left.includes(name) === ofLeft).map(({ text }) => text);
  const odd = texts(true).map((text) => `${text}: in use at the first apply`);
  return [weigh(rule, texts(false), odd, unwanted.join(', '))];
}
