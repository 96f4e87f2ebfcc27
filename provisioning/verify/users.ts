import type { User } from '../facts.ts';
import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { advise, judge, weigh } from './finding.ts';

const rules = {
  root: {
    id: 'users.root',
    title: 'root alone has the number 0',
    fix: 'userdel the other one, or give it a number of its own (usermod -u)',
    reference: 'CIS Debian 12 5.4.2.1',
  },
  empty: {
    id: 'users.empty',
    title: 'nobody has an empty password',
    fix: 'sudo passwd --lock <user>',
    reference: 'CIS Debian 12 7.2.2',
  },
  locked: {
    id: 'users.locked',
    title: 'root has no password',
    fix: 'berth apply, or sudo passwd --lock root',
    reference: 'CIS Debian 12 5.4.2.4',
  },
  shells: {
    id: 'users.shells',
    title: 'no system user but ours has a login shell',
    fix: 'sudo usermod --shell /usr/sbin/nologin <user>',
    reference: 'CIS Debian 12 5.4.2.7',
  },
  people: {
    id: 'users.people',
    title: 'there is no other account for a person',
    fix: 'sudo deluser <user> if nobody needs it',
    reference: 'CIS Debian 12 7.2',
  },
  keys: {
    id: 'users.keys',
    title: 'authorized_keys hold the keys of the settings alone',
    fix: 'berth apply for the sudo user; of another account: take the key out, or sudo deluser <user> if nobody needs it',
    reference: 'Mozilla OpenSSH',
  },
} as const;

/** Accounts: who is root, who has a password, a shell, a key. */
export const users: Check = { id: 'users', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const all = await host.facts.users();
  const passwords = parseShadow((await host.read('/etc/shadow')) ?? '');
  const expected = new Set(['root', 'postgres', settings.admin.user, ...Object.keys(settings.apps)]);
  const zero = all.filter(({ uid, name }) => uid === 0 && name !== 'root').map(({ name }) => name);
  const empty = [...passwords].filter(([, field]) => field === '').map(([name]) => name);
  const shells = all.filter(({ name, shell }) => !expected.has(name) && isLogin(shell));
  const named = (those: User[]) => those.map(({ name, shell }) => `${name} (${shell})`);
  const keys = await strangeKeys(host, all, settings.admin);
  const foreign = new Set(all.filter((user) => isForeign(user, settings)).map(({ name }) => name));
  // Several accounts may have one home.
  const texts = (ofForeign: boolean) => [
    ...new Set(keys.filter(({ user }) => foreign.has(user) === ofForeign).map(({ text }) => text)),
  ];
  const field = passwords.get('root');
  return [
    judge(rules.root, zero, 'root'),
    judge(rules.empty, empty, `${passwords.size} accounts, none without`),
    judge(rules.locked, field && /^[!*]/.test(field) ? [] : ['root can sign in by a password'], 'locked'),
    judge(rules.shells, named(shells.filter((user) => !isPerson(user))), [...expected].join(', ')),
    advise(rules.people, named(shells.filter(isPerson)), `${settings.admin.user} alone`),
    weigh(rules.keys, texts(false), texts(true), `${settings.admin.keys.length} of ${settings.admin.user}`),
  ];
}

function isPerson({ uid }: User): boolean {
  return uid >= 1000 && uid < 60_000;
}

/** A person's account that Berth did not make, such as a cloud's first one: it stays as it is, and is told of. */
export function isForeign(user: User, { admin, apps }: Settings): boolean {
  return isPerson(user) && user.name !== admin.user && !(user.name in apps);
}

/** `sync` runs one program, and no shell. */
function isLogin(shell: string): boolean {
  return shell === '' || !/\/(nologin|false|sync|git-shell)$/.test(shell);
}

type StrangeKey = { user: string; text: string };

async function strangeKeys(host: Host, all: User[], admin: Settings['admin']): Promise<StrangeKey[]> {
  const wanted = new Set(admin.keys.map(material));
  // root is let in by none (`sshd.root`); its own are of the first contact, and of use once Berth is taken away.
  const others = all.filter(({ uid }) => uid !== 0);
  const found = await Promise.all(
    others.flatMap(({ name, home }) =>
      ['authorized_keys', 'authorized_keys2'].map(async (file) => {
        const path = `${home}/.ssh/${file}`;
        // sshd would follow it to wherever it leads.
        if ((await host.stat(path))?.type === 'symlink')
          return [{ user: name, text: `${path} is a symlink` }];
        const lines = ((await host.read(path)) ?? '').split('\n').map((line) => line.trim());
        const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
        const strange = keys.filter((key) => name !== admin.user || !wanted.has(material(key)));
        return strange.map((key) => ({ user: name, text: `${path}: ${key.split(/\s+/).at(-1)}` }));
      }),
    ),
  );
  return found.flat();
}

/** A key without its comment; options before it count, for they change what it may do. */
function material(line: string): string {
  const [type = '', key = ''] = line.trim().split(/\s+/);
  return `${type} ${key}`;
}

function parseShadow(text: string): Map<string, string> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => line.split(':').slice(0, 2) as [string, string]),
  );
}
