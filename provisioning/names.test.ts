import assert from 'node:assert/strict';
import type { Host, Stat } from './host.ts';
import { requireNames } from './names.ts';
import { foreign } from './resources/postgresql.ts';
import type { Settings } from './settings.ts';

const settings = {
  admin: { user: 'deploy', keys: [] },
  apps: { shop: { name: 'shop', push: 'main', database: 'none' } },
} as unknown as Settings;

type Machine = {
  /** Path → what is in it. */
  directories?: Record<string, string[]>;
  owner?: string;
  home?: string;
  /** Path → text. */
  files?: Record<string, string>;
};

function hostOf({ directories = {}, owner = 'root', home, files = {} }: Machine): Host {
  const there: Stat = { type: 'directory', mode: 0o755, owner, group: 'root', size: 0 };
  return {
    read: async (path: string) => files[path] ?? null,
    list: async (path: string) => directories[path] ?? [],
    stat: async (path: string) => (path in directories ? there : null),
    facts: {
      users: async () =>
        home === undefined ? [] : [{ name: 'shop', uid: 999, gid: 999, home, shell: '/bin/bash' }],
      groups: async () => [],
    },
  } as unknown as Host;
}

const capistrano = { '/srv/shop/releases': ['20260101'], '/srv/shop/shared': ['uploads'] };
const shared = { '/srv/shop/shared': ['uploads'] };
const begun = { '/var/lib/berth/apps.json': '["shop"]' };

describe("an application's name", () => {
  const taken: [what: string, machine: Machine, said: RegExp][] = [
    ['another tool deploys to the same place', { directories: capistrano }, /files in \/srv\/shop\/releases/],
    ['shared files are a person’s', { directories: shared, owner: 'deploy' }, /files in \/srv\/shop\/shared/],
    ['a package has files there', { directories: { '/etc/shop': ['conf'] } }, /files in \/etc\/shop/],
    ['a package has data there', { directories: { '/var/lib/shop': ['db'] } }, /files in \/var\/lib\/shop/],
    [
      'the admin user has a repository of that name',
      { directories: { '/home/deploy/shop': ['HEAD'] } },
      /files in \/home\/deploy\/shop/,
    ],
    [
      'only another application was begun',
      { directories: capistrano, files: { '/var/lib/berth/apps.json': '["api"]' } },
      /releases/,
    ],
    ['its user is a person', { home: '/home/shop', files: begun }, /a user shop/],
  ];
  for (const [what, machine, message] of taken) {
    it(`is taken where ${what}`, () =>
      assert.rejects(requireNames(hostOf(machine), settings), { code: 'name_taken', message }));
  }

  const free: [what: string, machine: Machine][] = [
    ['nothing is there', {}],
    ['the directories are empty', { directories: { '/srv/shop/releases': [] } }],
    ['an apply began with it', { directories: capistrano, files: begun }],
    [
      'an apply began with it, and the kept settings were spoilt since',
      { directories: capistrano, files: { ...begun, '/etc/berth/settings.json': '{}\n# changed\n' } },
    ],
    [
      'an apply before there was a list of them ended well',
      { directories: capistrano, files: { '/etc/berth/settings.json': '{"apps": {"shop": {}}}' } },
    ],
    [
      'a remove of it was cut short',
      {
        directories: capistrano,
        files: { '/var/lib/berth/unfinished.json': '{"settings": {"apps": {"shop": {}}}}' },
      },
    ],
    ['a remove kept its data', { directories: shared, owner: 'shop', home: '/var/lib/shop' }],
  ];
  for (const [what, machine] of free) {
    it(`is free where ${what}`, () => requireNames(hostOf(machine), settings));
  }
});

describe('a database that was there', () => {
  const role = { name: 'shop', login: true, privileged: false, connections: 90, memberOf: [] };
  const database = { name: 'shop', owner: 'shop', public: false };

  it('is ours where a remove left it, or an apply was cut short', () => {
    assert.equal(foreign({ roles: [role], databases: [database] }, 'shop'), null);
    assert.equal(foreign({ roles: [role], databases: [] }, 'shop'), null);
    assert.equal(foreign({ roles: [], databases: [] }, 'shop'), null);
  });

  it('is somebody else’s as createuser and createdb make it', () => {
    const plain = { ...role, connections: -1 };
    assert.match(foreign({ roles: [plain], databases: [] }, 'shop') ?? '', /a role shop/);
    for (const other of [
      { roles: [plain], databases: [database] },
      { roles: [role], databases: [{ ...database, public: true }] },
      { roles: [role], databases: [{ ...database, owner: 'postgres' }] },
      { roles: [], databases: [database] },
      { roles: [{ ...role, privileged: true }], databases: [database] },
    ])
      assert.match(foreign(other, 'shop') ?? '', /a database shop/);
  });
});
