import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const rules = {
  core: {
    id: 'logins.core',
    title: 'no core dump of what people start',
    fix: 'berth apply; /etc/security/limits.d says who may',
    reference: 'CIS Debian 12 1.5.3',
  },
  umask: {
    id: 'logins.umask',
    title: 'files that people make are not for everybody',
    fix: 'berth apply; UMASK in /etc/login.defs',
    reference: 'CIS Debian 12 5.4.3.3',
  },
};

/** What a login of the sudo user really gets, after PAM and the profiles. */
export const logins: Check = { id: 'logins', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const { user } = settings.admin;
  const line = ['su', '--login', user, '--command', 'ulimit -Hc; umask'];
  // Not below this session, whose own limits it would have already.
  const said = await host.must(['systemd-run', '--quiet', '--pipe', '--wait', '--collect', ...line]);
  const [core = '', umask = ''] = said.trim().split('\n').slice(-2);
  return [
    judge(rules.core, core === '0' ? [] : [`ulimit -Hc is ${core}`], 'ulimit -Hc is 0'),
    judge(rules.umask, umask.endsWith('7') ? [] : [`umask ${umask}`], `umask ${umask}`),
  ];
}
