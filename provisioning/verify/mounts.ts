import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const rule = {
  id: 'mounts.options',
  title: 'where everybody may write, nothing runs and no device is opened',
  fix: 'berth apply; findmnt /tmp /dev/shm shows what is mounted',
  reference: 'CIS Debian 12 1.1.2.1, 1.1.2.2',
};
const places = ['/tmp', '/dev/shm'];
const options = ['nosuid', 'nodev', 'noexec'];

/** What is mounted now, whatever /etc/fstab says. */
export const mounts: Check = { id: 'mounts', run };

async function run({ host }: Subject): Promise<Finding[]> {
  const lines = ((await host.read('/proc/1/mountinfo')) ?? '').split('\n').map((line) => line.split(' '));
  const wrong = places.flatMap((place) => {
    // The last one lies on top (proc(5)).
    const own = lines.findLast((fields) => fields[4] === place)?.[5]?.split(',');
    if (!own) return [`${place} is no mount of its own`];
    const lacking = options.filter((option) => !own.includes(option));
    return lacking.length === 0 ? [] : [`${place} without ${lacking.join(', ')}`];
  });
  return [judge(rule, wrong, `${places.join(', ')}: ${options.join(', ')}`)];
}
