import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const open = {
  id: 'writable.others',
  title: 'no file of ours or of the settings can be written by everybody',
  fix: 'sudo chmod o-w <path>, and find out who made it so',
  reference: 'CIS Debian 12 7.1.11',
};
const setuid = {
  id: 'writable.setuid',
  title: 'no program there runs as its owner whoever starts it',
  fix: 'sudo chmod u-s,g-s <path>, or remove it',
  reference: 'CIS Debian 12 7.1.13',
};
const strangers = {
  id: 'writable.owner',
  title: 'all that root reads or runs there is root’s',
  fix: 'sudo chown root:root <path>, and find out who made it so',
  reference: 'CIS Debian 12 7.1.12',
};

const places = ['/etc', '/opt', '/srv', '/usr/local', '/var/backups', '/var/lib/berth'];
/** Where a file of another owner than root could make root do something. */
const roots = /^\/(etc|opt|usr\/local|var\/lib\/berth)\//;

/** A cluster's settings are its own, as Debian makes them. */
const clusters = /^\/etc\/postgresql(\/|$)/;

/** Files that more may write to than should, by a walk over where settings, programs and releases are. */
export const writable: Check = { id: 'writable', run };

async function run({ host }: Subject): Promise<Finding[]> {
  const kinds = ['(', '-type', 'f', '-o', '-type', 'd', ')'];
  const odd = ['(', '-perm', '-0002', '-o', '-perm', '/6000', '-o', '!', '-user', 'root', ')'];
  // Exit code 1 also says that a file went away meanwhile.
  const { stdout } = await host.run([
    'find',
    ...places,
    '-xdev',
    ...kinds,
    ...odd,
    '-printf',
    '%y %m %u %p\\0',
  ]);
  const found = parseFound(stdout);
  const named = ({ path, mode, owner }: Found) => `${path} (${mode} ${owner})`;
  const everybody = found.filter(({ kind, bits }) => bits & 0o2 && !(kind === 'd' && bits & 0o1000));
  const raised = found.filter(({ kind, bits }) => kind === 'f' && bits & 0o6000);
  const foreign = found.filter(
    ({ path, owner }) =>
      owner !== 'root' && roots.test(path) && !(owner === 'postgres' && clusters.test(path)),
  );
  const where = places.join(' ');
  return [
    judge(open, everybody.map(named), `none in ${where}`),
    judge(setuid, raised.map(named), `none in ${where}`),
    judge(
      strangers,
      foreign.map(named),
      'root owns /etc but /etc/postgresql, /opt, /usr/local and /var/lib/berth',
    ),
  ];
}

type Found = { kind: string; mode: string; bits: number; owner: string; path: string };

function parseFound(text: string): Found[] {
  return text
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [kind = '', mode = '', owner = '', ...path] = line.split(' ');
      return { kind, mode, bits: Number.parseInt(mode, 8), owner, path: path.join(' ') };
    });
}
