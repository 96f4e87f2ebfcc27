import type { Host } from '../host.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge, weigh } from './finding.ts';
import { isForeign } from './users.ts';

const valid = {
  id: 'sudoers.valid',
  title: "sudo's rules can be read",
  fix: 'sudo visudo -c names the line; berth apply puts back ours',
  reference: 'sudoers(5)',
};
const silent = {
  id: 'sudoers.nopasswd',
  title: 'the sudo user alone may sudo without a password',
  fix: 'take the line out of the file that it names (sudo visudo -f <file>), or sudo deluser <user> if nobody needs it',
  reference: 'CIS Debian 12 5.2.4',
};
const others = {
  id: 'sudoers.others',
  title: 'no application and no service may sudo',
  fix: 'sudo -l -U <user> on the machine names the rule; take it out',
  reference: 'CIS Debian 12 5.2.4',
};

/** Who may become root, by the rules that sudo reads and by what it answers for those that may not. */
export const sudoers: Check = { id: 'sudoers', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const { user: admin } = settings.admin;
  const users = await host.facts.users();
  const services = [...Object.keys(settings.apps), 'nobody', 'www-data', 'postgres'];
  const asked = services.filter((name) => users.some((user) => user.name === name));
  const [checked, rules, answers] = await Promise.all([
    host.run(['visudo', '--check']),
    readRules(host),
    Promise.all(asked.map(async (name) => [name, await mayDo(host, name)] as const)),
  ]);
  const silently = rules.filter(({ line }) => /\bNOPASSWD\b|!authenticate\b/.test(line));
  const notAdmin = silently.filter(({ line }) => !line.startsWith(`${admin} `));
  const foreign = users.filter((user) => isForeign(user, settings));
  const texts = (ofForeign: boolean) =>
    notAdmin
      .filter(({ line }) => foreign.some(({ name }) => line.startsWith(`${name} `)) === ofForeign)
      .map(({ path, line }) => `${path}: ${line}`);
  return [
    judge(
      valid,
      checked.code === 0 ? [] : [`${checked.stdout}${checked.stderr}`.trim()],
      `visudo -c accepts ${rules.length} rules`,
    ),
    weigh(
      silent,
      texts(false),
      texts(true),
      `${admin}, by ${silently.map(({ path }) => path).join(', ') || 'no rule'}`,
    ),
    judge(
      others,
      answers.flatMap(([name, may]) => (may ? [`${name}: ${may}`] : [])),
      `sudo refuses ${asked.join(', ')}`,
    ),
  ];
}

/** What sudo itself says that a user may do; null: nothing. */
async function mayDo(host: Host, name: string): Promise<string | null> {
  const { code, stdout } = await host.run(['sudo', '-n', '-l', '-U', name]);
  if (code !== 0 || !/may run the following/.test(stdout)) return null;
  return stdout.trim().split('\n').at(-1)?.trim() ?? '';
}

type Rule = { path: string; line: string };

async function readRules(host: Host): Promise<Rule[]> {
  const names = (await host.list('/etc/sudoers.d')).filter((name) => !/\.|~$/.test(name));
  const paths = ['/etc/sudoers', ...names.sort().map((name) => `/etc/sudoers.d/${name}`)];
  const texts = await Promise.all(paths.map(async (path) => [path, (await host.read(path)) ?? ''] as const));
  return texts.flatMap(([path, text]) => parseRules(text).map((line) => ({ path, line })));
}

/** The rules of one file: a backslash joins lines, and `#` begins a comment unless it is a user's number. */
export function parseRules(text: string): string[] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#(?!\d).*$/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && !line.startsWith('@include'));
}
