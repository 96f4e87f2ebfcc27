import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';
import { type AlgorithmKind, weak } from './ssh-algorithms.ts';

type Option = { what: string; title: string; option: string; wanted: RegExp; section: string };

/** What `sshd -T` has to say, for each of those that could log in. */
const options: Option[] = [
  {
    what: 'passwords',
    title: 'SSH takes no password',
    option: 'passwordauthentication',
    wanted: /^no$/,
    section: '5.1.22',
  },
  {
    what: 'questions',
    title: 'SSH asks no questions by PAM',
    option: 'kbdinteractiveauthentication',
    wanted: /^no$/,
    section: '5.1.22',
  },
  {
    what: 'empty',
    title: 'SSH takes no empty password',
    option: 'permitemptypasswords',
    wanted: /^no$/,
    section: '5.1.19',
  },
  {
    what: 'keys',
    title: 'SSH takes keys',
    option: 'pubkeyauthentication',
    wanted: /^yes$/,
    section: '5.1.4',
  },
  {
    what: 'root',
    title: 'root cannot log in by SSH',
    option: 'permitrootlogin',
    wanted: /^no$/,
    section: '5.1.20',
  },
  {
    what: 'hosts',
    title: 'SSH trusts no other host',
    option: 'hostbasedauthentication',
    wanted: /^no$/,
    section: '5.1.10',
  },
  {
    what: 'environment',
    title: 'SSH takes no environment from keys',
    option: 'permituserenvironment',
    wanted: /^no$/,
    section: '5.1.21',
  },
  { what: 'x11', title: 'SSH forwards no X11', option: 'x11forwarding', wanted: /^no$/, section: '5.1.8' },
  {
    what: 'tries',
    title: 'SSH ends a connection after 4 tries',
    option: 'maxauthtries',
    wanted: /^[1-4]$/,
    section: '5.1.16',
  },
  {
    what: 'grace',
    title: 'SSH waits at most 60 s for a login',
    option: 'logingracetime',
    wanted: /^([1-9]|[1-5]\d|60)$/,
    section: '5.1.13',
  },
  {
    what: 'key_files',
    title: 'SSH reads keys of each user’s own file alone',
    option: 'authorizedkeysfile',
    wanted: /^\.ssh\/authorized_keys( \.ssh\/authorized_keys2)?$/,
    section: '5.1.4',
  },
  {
    what: 'key_command',
    title: 'SSH asks no program for keys',
    option: 'authorizedkeyscommand',
    wanted: /^none$/,
    section: '5.1.4',
  },
  {
    what: 'key_authority',
    title: 'SSH lets no authority vouch for keys',
    option: 'trustedusercakeys',
    wanted: /^none$/,
    section: '5.1.4',
  },
];

const lists: [what: string, option: string, kind: AlgorithmKind, section: string][] = [
  ['kex', 'kexalgorithms', 'kex', '5.1.12'],
  ['ciphers', 'ciphers', 'cipher', '5.1.6'],
  ['macs', 'macs', 'mac', '5.1.15'],
  ['host_keys', 'hostkeyalgorithms', 'hostKey', '5.1.6'],
];

/** What sshd makes of its configuration, also of Match blocks for root and for the sudo user. */
export const sshd: Check = { id: 'sshd', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const users = ['root', settings.admin.user];
  const effective = await Promise.all(
    users.map(async (user) => {
      // A foreign address: what is meant for the operator's own must not be meant for all.
      const argv = ['sshd', '-T', '-C', `user=${user},host=berth.invalid,addr=203.0.113.1`];
      return [user, parseOptions(await host.must(argv))] as const;
    }),
  );
  const [, forRoot] = effective[0] ?? [];
  return [
    ...options.map(({ what, title, option, wanted, section }) => {
      const wrong = effective.filter(([, said]) => !wanted.test(said.get(option) ?? ''));
      return judge(
        {
          id: `sshd.${what}`,
          title,
          fix: 'berth apply; sshd -T on the machine shows what counts',
          reference: `CIS Debian 12 ${section}`,
        },
        wrong.map(([user, said]) => `${option} ${said.get(option) ?? 'unset'} for ${user}`),
        `${option} ${forRoot?.get(option)}`,
      );
    }),
    ...lists.map(([what, option, kind, section]) =>
      judge(
        {
          id: `sshd.${what}`,
          title: `SSH offers sound ${option} alone`,
          fix: 'berth apply; a file in /etc/ssh/sshd_config.d may say otherwise',
          reference: `CIS Debian 12 ${section}; Mozilla OpenSSH`,
        },
        weak(kind, forRoot?.get(option) ?? ''),
        forRoot?.get(option) ?? '',
      ),
    ),
  ];
}

/** `sshd -T` prints an option a line, its name in lower case; of one that it prints again the first counts. */
export function parseOptions(text: string): Map<string, string> {
  const lines = text.split('\n').filter(Boolean).reverse();
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(' ');
      return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
