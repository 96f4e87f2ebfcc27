import type { Check, Finding, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

const rule = {
  id: 'clock.synchronised',
  title: 'the clock is kept right by a time server',
  fix: 'timedatectl timesync-status; open UDP 123 outward, or berth apply',
  reference: 'CIS Debian 12 2.3.2.1',
};

/** What the kernel knows of its clock; its distance from the operator's is looked at from outside. */
export const clock: Check = { id: 'clock', run };

async function run({ host }: Subject): Promise<Finding[]> {
  if (await host.facts.container()) return [skip(rule, 'a container has its host’s clock')];
  const said = await host.must(['timedatectl', 'show', '--property=NTPSynchronized', '--property=NTP']);
  const fine = /^NTPSynchronized=yes$/m.test(said);
  return [judge(rule, fine ? [] : [said.trim().replaceAll('\n', ', ')], 'NTPSynchronized=yes')];
}
