import type { Change } from '../change.ts';
import type { Group, User } from '../facts.ts';
import type { Goal, Resource } from './resource.ts';

export type UserOptions = {
  name: string;
  home: string;
  /** A system user has a uid below 1000, no home made for it, no password and no group but its own. */
  system: boolean;
  /** A folder whose content is its own: while that is kept, so is the user, or its number would become another's. */
  owns?: string;
};

export type UserState = {
  user: User | undefined;
  /** Groups that name it as a member. */
  groups: string[];
  /** Nobody can sign in by a password. */
  locked: boolean;
};

const shell = '/bin/bash';

/** A user with a login shell and, as its primary group, the one of its own name, which has to be there. */
export function user({ name, home, system, owns }: UserOptions): Resource<UserState> {
  return {
    id: `user ${name}`,
    async check(host) {
      const [users, groups, shadow] = await Promise.all([
        host.facts.users(),
        host.facts.groups(),
        host.read('/etc/shadow'),
      ]);
      return {
        user: users.find((found) => found.name === name),
        groups: groups.filter(({ members }) => members.includes(name)).map((group) => group.name),
        locked: isLocked(shadow ?? '', name),
      };
    },
    plan({ user: found, groups, locked }) {
      if (!found) {
        const kind = system ? ['--system', '--no-create-home'] : ['--create-home'];
        const argv = ['useradd', ...kind, '--gid', name, '--home-dir', home, '--shell', shell, name];
        return [{ do: 'run', argv, action: 'add' }];
      }
      const wrong: Change[] = [];
      if (found.shell !== shell) wrong.push({ do: 'run', argv: ['usermod', '--shell', shell, name] });
      if (found.home !== home) wrong.push({ do: 'run', argv: ['usermod', '--home', home, name] });
      if (!system) return wrong;
      for (const group of groups)
        wrong.push({ do: 'run', argv: ['gpasswd', '--delete', name, group], action: 'remove' });
      if (!locked) wrong.push({ do: 'run', argv: ['passwd', '--lock', name] });
      return wrong;
    },
    inverse: () => (system ? { goal: noUser(name, owns) } : { stays: `the user ${name}` }),
  };
}

function noUser(name: string, owns: string | undefined): Goal<{ there: boolean; owner: boolean }> {
  return {
    id: `no user ${name}`,
    async check(host) {
      const there = (await host.facts.users()).some((found) => found.name === name);
      return { there, owner: owns !== undefined && (await host.list(owns)).length > 0 };
    },
    plan: ({ there, owner }) =>
      there && !owner ? [{ do: 'run', argv: ['userdel', name], action: 'remove' }] : [],
    notices: ({ there, owner }) => (there && owner ? [`the user ${name}, who owns what is in ${owns}`] : []),
  };
}

/** A user that is there whose password opens nothing; keys and sudo are another matter. */
export function locked(name: string): Resource<boolean> {
  return {
    id: `locked password of ${name}`,
    check: async (host) => isLocked((await host.read('/etc/shadow')) ?? '', name),
    plan: (isSo) => (isSo ? [] : [{ do: 'run', argv: ['passwd', '--quiet', '--lock', name] }]),
    inverse: () => ({}),
  };
}

/** A password field that no password matches begins with `!` or `*` (shadow(5)). */
function isLocked(shadow: string, name: string): boolean {
  const field = shadow
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':')[1];
  return field === undefined || /^[!*]/.test(field);
}

/** A group; a closed one has no member by name: what carries it, carries it as its own group. */
export function group(name: string, { closed = false } = {}): Resource<Group | undefined> {
  return {
    id: `group ${name}`,
    check: async (host) => (await host.facts.groups()).find((found) => found.name === name),
    plan(found) {
      if (!found) return [{ do: 'run', argv: ['groupadd', '--system', name], action: 'add' }];
      const members = closed ? found.members : [];
      return members.map((each) => ({
        do: 'run',
        argv: ['gpasswd', '--delete', each, name],
        action: 'remove',
      }));
    },
    inverse: () => ({ goal: noGroup(name) }),
  };
}

/** Not while it is some user's own: that one stays for a reason. */
function noGroup(name: string): Goal<{ there: boolean; used: boolean }> {
  return {
    id: `no group ${name}`,
    async check(host) {
      const [groups, users] = await Promise.all([host.facts.groups(), host.facts.users()]);
      const found = groups.find((candidate) => candidate.name === name);
      return { there: found !== undefined, used: users.some(({ gid }) => gid === found?.gid) };
    },
    plan: ({ there, used }) =>
      there && !used ? [{ do: 'run', argv: ['groupdel', name], action: 'remove' }] : [],
  };
}

export function member(userName: string, groupName: string): Resource<boolean> {
  return {
    id: `member ${userName} of ${groupName}`,
    async check(host) {
      const found = (await host.facts.groups()).find((candidate) => candidate.name === groupName);
      return found?.members.includes(userName) ?? false;
    },
    plan: (isMember) =>
      isMember
        ? []
        : [{ do: 'run', argv: ['usermod', '--append', '--groups', groupName, userName], action: 'add' }],
    inverse: () => ({ goal: noMember(userName, groupName) }),
  };
}

function noMember(userName: string, groupName: string): Goal<boolean> {
  return {
    ...member(userName, groupName),
    id: `no member ${userName} of ${groupName}`,
    plan: (isMember) =>
      isMember ? [{ do: 'run', argv: ['gpasswd', '--delete', userName, groupName], action: 'remove' }] : [],
  };
}
