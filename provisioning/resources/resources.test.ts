import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Change } from '../change.ts';
import { createFacts } from '../facts.ts';
import type { Host } from '../host.ts';
import { trustedAuthorities } from './authorities.ts';
import { serverCertificate } from './certificate.ts';
import { environment } from './environment.ts';
import { absent, block, directory, displaced, file, link, log, withBlock } from './file.ts';
import { firewallRules, tablesOf } from './firewall.ts';
import { hostname, swap, timezone } from './machine.ts';
import { packages } from './package.ts';
import { closedDatabase, database, pendingRestart, role } from './postgresql.ts';
import type { Goal, Resource } from './resource.ts';
import { checksums, daemonReload, service } from './service.ts';
import { includes } from './ssh.ts';
import { group, member, noOthers, user } from './user.ts';

/** One row: what the machine is like, and what the plan does about it, each change in a few words. */
type Row<State> = [state: State, changes: string[]];

function brief(change: Change): string {
  if (change.do === 'run') return change.user ? `${change.user}: ${change.input}` : change.argv.join(' ');
  if (change.do === 'release' || change.do === 'start') return `${change.do} ${change.app}`;
  return `${change.do} ${change.path}`;
}

function plans<State>(name: string, resource: Goal<State>, rows: Row<State>[]): void {
  describe(`plan of ${name}`, () => {
    for (const [state, changes] of rows) {
      it(`${changes.join(', ') || 'nothing'} for ${short(state)}`, () => {
        assert.deepEqual(resource.plan(state).map(brief), changes);
      });
    }
  });
}

/** What `berth remove` brings about instead of a resource. */
function inverseOf(resource: Resource, { purge = false } = {}): Goal {
  const { goal } = resource.inverse({ purge });
  assert.ok(goal);
  return goal;
}

function short(state: unknown): string {
  return (
    JSON.stringify(state, (_, value) => (value instanceof Map ? [...value] : value)) ?? 'nothing'
  ).slice(0, 100);
}

const rootFile = { type: 'file', mode: 0o644, owner: 'root', group: 'root', size: 1 } as const;
const rootDirectory = { ...rootFile, type: 'directory', mode: 0o755 } as const;
const symlink = { ...rootFile, type: 'symlink', target: 'elsewhere' } as const;

plans('a file', file({ path: '/f', content: 'new' }), [
  [{ stat: null, content: null }, ['write /f']],
  [{ stat: rootFile, content: 'old' }, ['write /f']],
  [{ stat: rootFile, content: 'new' }, []],
  [{ stat: { ...rootFile, mode: 0o666 }, content: 'new' }, ['attributes /f']],
  [{ stat: { ...rootFile, owner: 'eve' }, content: 'new' }, ['attributes /f']],
  [{ stat: symlink, content: null }, ['write /f']],
]);

plans('a directory', directory({ path: '/d' }), [
  [null, ['mkdir /d']],
  [rootDirectory, []],
  [{ ...rootDirectory, mode: 0o777 }, ['attributes /d']],
]);

describe('what somebody else has put in the way', () => {
  it('is neither followed nor replaced', () => {
    const refused = { code: 'path_in_the_way' };
    for (const stat of [symlink, rootFile])
      assert.throws(() => directory({ path: '/d' }).plan(stat), refused);
    const own = { mode: 0o644, owner: 'root', group: 'root' };
    assert.throws(
      () => block({ path: '/b', lines: [], ...own }).plan({ stat: symlink, content: null }),
      refused,
    );
  });
});

plans('a link', link('/l', 'there'), [
  [null, ['link /l']],
  [{ ...symlink, target: 'there' }, []],
  [symlink, ['link /l']],
]);

plans('a log', log({ path: '/l', mode: 0o640, owner: 'root', group: 'adm' }), [
  [null, ['write /l']],
  [rootFile, ['attributes /l']],
  [{ ...rootFile, mode: 0o640, group: 'adm', size: 9 }, []],
]);

plans('the rules of the firewall', firewallRules('berth-firewall.service', ['22/tcp']), [
  [{ live: null, loaded: null, rivals: [] }, []],
  [{ live: 'a', loaded: 'a', rivals: ['ip filter'] }, []],
  [{ live: 'a', loaded: 'b', rivals: [] }, ['systemctl reload berth-firewall.service']],
  [{ live: null, loaded: 'a', rivals: [] }, ['systemctl reload berth-firewall.service']],
]);

describe('the tables of others', () => {
  const table = (name: string, policy: string) =>
    `table ${name} {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy ${policy};\n\t}\n}\n`;
  const stateOf = (ruleset: string) =>
    firewallRules('berth-firewall.service', ['22/tcp', '80/tcp']).check({
      ...{ stat: async () => rootFile, read: async () => null, must: async () => ruleset },
    } as unknown as Host);

  it('are told apart', () => {
    const text = `${table('ip nat', 'accept')}${table('inet berth', 'drop')}`;
    assert.deepEqual([...tablesOf(text).keys()], ['ip nat', 'inet berth']);
    assert.equal(tablesOf(text).get('inet berth'), table('inet berth', 'drop'));
  });

  it('are named where they drop what comes in, as ufw does, and not where they do not, as Docker does', async () => {
    const docker = table('ip filter', 'drop').replaceAll(/INPUT|input/g, (word) =>
      word === 'INPUT' ? 'FORWARD' : 'forward',
    );
    const others =
      docker + table('ip6 filter', 'drop') + table('inet firewalld', 'accept') + table('inet berth', 'drop');
    const { rivals } = await stateOf(others);
    assert.deepEqual(rivals, ['ip6 filter', 'inet firewalld']);
  });
});

plans('an absence', absent('/a'), [
  [null, []],
  [rootFile, ['remove /a']],
]);

const marked = withBlock('before\n', ['line']);
plans('a block', block({ path: '/b', lines: ['line'], mode: 0o644, owner: 'root', group: 'root' }), [
  [{ stat: null, content: null }, ['write /b']],
  [{ stat: rootFile, content: 'before\n' }, ['write /b']],
  [{ stat: rootFile, content: marked }, []],
  [{ stat: rootFile, content: `${marked}after\n` }, []],
  [{ stat: rootFile, content: marked.replace('line', 'other') }, ['write /b']],
]);

const patiently = (command: string) =>
  `sh -euc . "$0"; patiently "$@" ${join(import.meta.dirname, '../dpkg.sh')} ${command}`;
plans('packages', packages(['nginx', 'sudo'], []), [
  [
    {
      known: new Map([
        ['nginx', 'install ok installed'],
        ['sudo', 'hold ok installed'],
      ]),
      interrupted: false,
    },
    [],
  ],
  [
    {
      known: new Map([
        ['nginx', 'deinstall ok config-files'],
        ['sudo', 'install ok installed'],
      ]),
      interrupted: false,
    },
    [
      patiently('apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold update'),
      'apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends nginx',
    ],
  ],
  [
    {
      known: new Map([
        ['nginx', 'install ok installed'],
        ['sudo', 'install ok installed'],
      ]),
      interrupted: true,
    },
    [
      patiently('dpkg --force-confold --configure -a'),
      'apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -f install',
    ],
  ],
]);

const one = '/usr/local/share/ca-certificates/berth-48e69f28753d.crt';
const there = { stat: rootFile, content: 'PEM one\n' };
plans('trusted authorities', trustedAuthorities(['PEM one']), [
  [
    { files: { [one]: { stat: null, content: null } }, bundle: null },
    [`write ${one}`, 'update-ca-certificates --fresh'],
  ],
  [{ files: { [one]: there }, bundle: 'others\nPEM one\n' }, []],
  [{ files: { [one]: there }, bundle: 'others\n' }, ['update-ca-certificates --fresh']],
  [
    { files: { [one]: there, '/other.crt': there }, bundle: 'PEM one\n' },
    ['remove /other.crt', 'update-ca-certificates --fresh'],
  ],
]);

const deploy = { name: 'deploy', uid: 1000, gid: 1000, home: '/home/deploy', shell: '/bin/bash' };
const usual = { user: deploy, groups: ['sudo'], locked: true };
plans('a user', user({ name: 'deploy', home: '/home/deploy', system: false }), [
  [
    { user: undefined, groups: [], locked: true },
    ['useradd --create-home --gid deploy --home-dir /home/deploy --shell /bin/bash deploy'],
  ],
  [usual, []],
  [{ ...usual, user: { ...deploy, shell: '/bin/false' } }, ['usermod --shell /bin/bash deploy']],
  [{ ...usual, user: { ...deploy, home: '/' } }, ['usermod --home /home/deploy deploy']],
]);

const service1 = { user: { ...deploy, name: 'api' }, groups: [], locked: true };
plans('a system user', user({ name: 'api', home: '/home/deploy', system: true }), [
  [service1, []],
  [{ ...service1, groups: ['sudo', 'shadow'] }, ['gpasswd --delete api sudo', 'gpasswd --delete api shadow']],
  [{ ...service1, locked: false }, ['passwd --lock api']],
]);

plans('a closed group', group('web', { closed: true }), [
  [undefined, ['groupadd --system web']],
  [{ name: 'web', gid: 9, members: [] }, []],
  [{ name: 'web', gid: 9, members: ['eve'] }, ['gpasswd --delete eve web']],
]);

plans('an open group', group('api'), [[{ name: 'api', gid: 9, members: ['deploy'] }, []]]);

plans('files of ours that are no longer wanted', noOthers('/d', /^berth-/, ['berth-a']), [
  [[], []],
  [['berth-b'], ['remove /d/berth-b']],
]);

plans('a membership', member('deploy', 'sudo'), [
  [false, ['usermod --append --groups sudo deploy']],
  [true, []],
]);

const configuration = { '/c': 'text' };
const running = {
  ...{ active: 'active', enabled: 'enabled' },
  ...{ loaded: checksums(configuration), others: {}, awaited: false },
};
plans('a service', service('x.service', { configuration, onChange: 'reload' }), [
  [running, []],
  [{ ...running, loaded: null }, ['systemctl reload x.service']],
  [{ ...running, enabled: 'enabled-runtime', loaded: 'other' }, ['systemctl reload x.service']],
  [{ ...running, others: { '/key': 'new' } }, ['systemctl reload x.service']],
  [{ ...running, active: 'failed' }, ['systemctl start x.service']],
  [
    { ...running, active: 'inactive', enabled: 'disabled' },
    ['systemctl enable x.service', 'systemctl start x.service'],
  ],
]);

plans('a service that its socket starts', service('x.service', { configuration, enabled: false }), [
  [{ ...running, active: 'inactive', loaded: null, awaited: true }, []],
  [{ ...running, active: 'inactive', loaded: null }, ['systemctl start x.service']],
  [{ ...running, active: 'failed', awaited: true }, ['systemctl start x.service']],
  [{ ...running, loaded: 'other', awaited: true }, ['systemctl restart x.service']],
]);

const main = '/etc/ssh/sshd_config';
const dropIns = '/etc/ssh/sshd_config.d';
const including = includes({
  ...{ path: main, dropIns, ours: `${dropIns}/00-berth.conf`, proofInPlace: ['true'] },
});
const wanted = `Include ${dropIns}/*.conf\n`;
const ownFile = { stat: { ...rootFile, mode: 0o600 }, others: [] };
plans('what sshd reads first', including, [
  [{ ...ownFile, content: `# of the machine\n${wanted}#Port 22\nX11Forwarding yes\n` }, []],
  [{ ...ownFile, content: `Port 22\n${wanted}` }, [`write ${main}`]],
  [{ ...ownFile, content: `${wanted}  port=2200\n` }, [`write ${main}`]],
  [{ ...ownFile, content: `${wanted}#berth: Port 22\n` }, []],
]);
plans('a port of sshd_config without Berth', inverseOf(including), [
  [{ stat: rootFile, content: `${wanted}#berth: Port 22\n` }, [`write ${main}`]],
  [{ stat: rootFile, content: `${wanted}#Port 22\n` }, []],
]);

describe('where sshd listens', () => {
  const before = `Port 22\n  port 2200\nListenAddress 10.0.0.1\n`;

  it('is set aside in its own file, and comes back line for line', () => {
    const written = (goal: Goal, content: string) => {
      const [change] = goal.plan({ stat: rootFile, content, others: [] });
      assert.ok(change?.do === 'write');
      return change.content;
    };
    const set = written(including, before);
    assert.equal(set, `${wanted}#berth: Port 22\n#berth:   port 2200\nListenAddress 10.0.0.1\n`);
    assert.equal(written(inverseOf(including), set), wanted + before);
  });

  it('is named where Berth leaves it', async () => {
    const files: Record<string, string> = {
      [main]: `${wanted}${before}ListenAddress [::1]:2201\nListenAddress 2001:db8::22\n`,
      [`${dropIns}/00-berth.conf`]: 'Port 22\n',
      [`${dropIns}/50-own.conf`]: '#Port 1\nPort 2202\nListenAddress 10.0.0.1:2203\n',
      [`${dropIns}/old`]: 'Port 2204\n',
    };
    const host = {
      list: async () => ['00-berth.conf', '50-own.conf', 'old'],
      read: async (path: string) => files[path] ?? null,
      stat: async () => ownFile.stat,
    };
    const state = await including.check(host as unknown as Host);
    assert.deepEqual(
      including.notices?.(state).map((text) => text.replace(/^.* too: /, '')),
      [
        `${main} says ListenAddress [::1]:2201`,
        `${dropIns}/50-own.conf says Port 2202`,
        `${dropIns}/50-own.conf says ListenAddress 10.0.0.1:2203`,
      ],
    );
  });
});

describe('sshd on Ubuntu, as systemctl shows it after a boot', () => {
  const shown: Record<string, string> = {
    'ssh.service': 'ActiveState=inactive\nUnitFileState=disabled\n',
    'ssh.socket': 'ActiveState=active\nUnitFileState=enabled\n',
  };
  const run = async (argv: string[]) => {
    const stdout = argv.slice(argv.indexOf('--') + 1).map((unit) => shown[unit]);
    return { stdout: stdout.join('\n') };
  };
  const host = { read: async () => null, run } as unknown as Host;
  host.facts = createFacts(host);

  it('waits for the first login, and nothing differs', async () => {
    const sshd = service('ssh.service', { configuration, enabled: false, socket: 'ssh.socket' });
    assert.deepEqual(sshd.plan(await sshd.check(host)), []);
  });
});

plans('unit files', daemonReload(['x.service']), [
  [true, ['systemctl daemon-reload']],
  [false, []],
]);

const cluster = { version: '17' };
const api = { name: 'api', login: true, privileged: false, connections: 90, memberOf: [] };
const may = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 90';
plans('a role', role(cluster, 'api', 90), [
  [null, [`postgres: CREATE ROLE "api" ${may}`]],
  [{ roles: [api], databases: [], pending: [] }, []],
  [
    { roles: [{ ...api, privileged: true }], databases: [], pending: [] },
    [`postgres: ALTER ROLE "api" ${may}`],
  ],
]);

plans('the role of an application with more than its due', role(cluster, 'api', 90), [
  [
    { roles: [{ ...api, connections: -1 }], databases: [], pending: [] },
    [`postgres: ALTER ROLE "api" ${may}`],
  ],
  [
    { roles: [{ ...api, memberOf: ['postgres'] }], databases: [], pending: [] },
    ['postgres: REVOKE "postgres" FROM "api"'],
  ],
]);

plans("a database of the server's own", closedDatabase(cluster, 'postgres'), [
  [null, ['postgres: REVOKE ALL ON DATABASE "postgres" FROM PUBLIC']],
  [{ roles: [], databases: [{ name: 'postgres', owner: 'postgres', public: false }], pending: [] }, []],
]);

const own = { name: 'api', owner: 'api', public: false };
plans('a database', database(cluster, 'api'), [
  [
    null,
    [
      `postgres: CREATE DATABASE "api" OWNER "api" ENCODING 'UTF8' TEMPLATE template0`,
      'postgres: REVOKE ALL ON DATABASE "api" FROM PUBLIC',
    ],
  ],
  [{ roles: [], databases: [own], pending: [] }, []],
  [
    { roles: [], databases: [{ ...own, public: true }], pending: [] },
    ['postgres: REVOKE ALL ON DATABASE "api" FROM PUBLIC'],
  ],
  [
    { roles: [], databases: [{ ...own, owner: 'eve' }], pending: [] },
    ['postgres: ALTER DATABASE "api" OWNER TO "api"'],
  ],
]);

plans('settings that wait for a restart', pendingRestart(cluster, 'pg.service', []), [
  [{ pending: ['shared_buffers'], inUse: false }, ['systemctl restart pg.service']],
  [{ pending: ['shared_buffers'], inUse: true }, []],
  [{ pending: [], inUse: false }, []],
]);

plans('the host name', hostname('berth'), [
  ['berth', []],
  ['debian', ['hostnamectl set-hostname --static berth']],
]);

plans('the time zone', timezone('UTC'), [
  ['Etc/UTC', []],
  ['Europe/Berlin', ['timedatectl set-timezone UTC']],
]);

const small = { container: false, memoryMiB: 1000, swapMiB: 0, inFstab: false };
plans('swap', swap(), [
  [{ ...small, memoryMiB: 4000 }, []],
  [{ ...small, container: true }, []],
  [{ ...small, swapMiB: 512 }, []],
  [{ ...small, swapMiB: 1024, inFstab: true }, []],
  [
    small,
    [
      'install --mode=0600 /dev/null /swapfile',
      'fallocate --length 1GiB /swapfile',
      'mkswap /swapfile',
      'swapon /swapfile',
      'tee -a /etc/fstab',
    ],
  ],
]);

const debian = { content: 'theirs', mode: 0o644, owner: 'root', group: 'root' };
plans('a file without Berth', inverseOf(file({ path: '/f', content: 'ours' })), [
  [{ stat: rootFile, content: 'ours', original: null }, ['remove /f']],
  [{ stat: null, content: null, original: null }, []],
  [{ stat: rootFile, content: 'theirs', original: undefined }, []],
  [{ stat: rootFile, content: 'ours', original: undefined }, ['remove /f']],
  [{ stat: rootFile, content: '# Kept by berth apply.', original: undefined }, ['remove /f']],
  [{ stat: rootFile, content: 'ours', original: debian }, ['write /f']],
  [{ stat: null, content: null, original: debian }, ['write /f']],
  [{ stat: rootFile, content: 'theirs', original: debian }, []],
  [{ stat: rootFile, content: 'ours', original: { target: '/there' } }, ['link /f']],
  [{ stat: rootDirectory, content: null, original: null }, []],
]);

plans('what the distribution had where nothing may be, without Berth', inverseOf(displaced('/f')), [
  [{ stat: null, original: { target: '/there' } }, ['link /f']],
  [{ stat: null, original: debian }, ['write /f']],
  [{ stat: rootFile, original: { target: '/there' } }, []],
  [{ stat: null, original: null }, []],
  [{ stat: null, original: undefined }, []],
]);

plans('a directory of ours without Berth', inverseOf(directory({ path: '/d', holds: 'ours' })), [
  [null, []],
  [rootDirectory, ['remove /d']],
]);

const emptied = [
  [{ there: true, names: [] }, ['rmdir -- /d']],
  [{ there: true, names: ['other'] }, []],
  [{ there: false, names: [] }, []],
] satisfies Row<unknown>[];
plans("a directory of several's without Berth", inverseOf(directory({ path: '/d' })), emptied);
plans('a directory of data without Berth', inverseOf(directory({ path: '/d', holds: 'data' })), emptied);
plans('purged data', inverseOf(directory({ path: '/d', holds: 'data' }), { purge: true }), [
  [rootDirectory, ['remove /d']],
]);

const blockOf = { path: '/b', lines: ['line'], mode: 0o644, owner: 'root', group: 'root' };
plans('a block without Berth', inverseOf(block(blockOf)), [
  [{ stat: rootFile, content: `${marked}after\n` }, ['write /b']],
  [{ stat: rootFile, content: 'before\n' }, []],
  [{ stat: null, content: null }, []],
]);

plans('a service without Berth', inverseOf(service('x.service')), [
  [{ active: 'active', enabled: 'enabled', ours: true }, ['systemctl disable --now x.service']],
  [{ active: 'active', enabled: 'enabled', ours: false }, []],
  [{ active: 'inactive', enabled: 'disabled', ours: true }, []],
]);

const { last } = service('x.service', { configuration, proof: ['true'] }).inverse({ purge: false });
plans('a service that goes by its own configuration again', last as Goal, [
  [
    { active: true, loaded: true, sound: true },
    ['systemctl restart x.service', 'remove /run/berth/loaded/x.service'],
  ],
  [
    { active: true, loaded: true, sound: false },
    ['systemctl stop x.service', 'remove /run/berth/loaded/x.service'],
  ],
  [{ active: false, loaded: true, sound: true }, ['remove /run/berth/loaded/x.service']],
  [{ active: true, loaded: false, sound: true }, []],
]);

plans('a system user without Berth', inverseOf(user({ name: 'api', home: '/h', system: true, owns: '/s' })), [
  [{ there: true, owner: false }, ['userdel api']],
  [{ there: true, owner: true }, []],
  [{ there: false, owner: false }, []],
]);

plans('a group without Berth', inverseOf(group('api')), [
  [{ there: true, used: false }, ['groupdel api']],
  [{ there: true, used: true }, []],
]);

plans('a membership without Berth', inverseOf(member('deploy', 'api')), [
  [true, ['gpasswd --delete deploy api']],
  [false, []],
]);

const before = { name: 'api_before_1', owner: 'api', public: false };
plans('a role whose data are purged', inverseOf(role(cluster, 'api', 90), { purge: true }), [
  [null, []],
  [
    { roles: [api], databases: [own, before], pending: [] },
    [
      'postgres: DROP DATABASE "api" WITH (FORCE)',
      'postgres: DROP DATABASE "api_before_1" WITH (FORCE)',
      'postgres: DROP ROLE "api"',
    ],
  ],
]);

plans("a database of the server's own without Berth", inverseOf(closedDatabase(cluster, 'postgres')), [
  [null, []],
  [
    { roles: [], databases: [{ name: 'postgres', owner: 'postgres', public: false }], pending: [] },
    ['postgres: GRANT CONNECT, TEMPORARY ON DATABASE "postgres" TO PUBLIC'],
  ],
]);

plans('swap without Berth', inverseOf(swap()), [
  [{ on: true, inFstab: false, file: true }, []],
  [
    { on: true, inFstab: true, file: true },
    ['swapoff /swapfile', 'remove /swapfile', 'sed --in-place \\|^/swapfile none swap sw 0 0$|d /etc/fstab'],
  ],
]);

describe('what tells of a hand', () => {
  it('is not a certificate whose time has come, but one that is gone', () => {
    const due = { do: 'certificate', path: '/c', action: 'change' } as const;
    const request = { kind: 'server', names: ['a'], days: 1, authority: '/a' } as const;
    const byHand = (reason: string) =>
      serverCertificate('/c', '/a', ['a']).byHand?.([
        { ...due, request: { ...request, names: ['a'] }, reason },
      ]);
    assert.deepEqual(byHand('it ends Nov 21 2026'), []);
    assert.equal(byHand('there is none')?.length, 1);
  });
});

describe('the environment of an application', () => {
  const resource = environment({ name: 'api', values: { A: '1' }, secrets: ['JWT_KEYS'] });
  const stat = { ...rootFile, mode: 0o640, group: 'api' };
  const made = { fresh: { JWT_KEYS: 'id:fresh' }, config: {} };

  it('makes its secrets where there are none, and never shows them', () => {
    const [change] = resource.plan({ stat: null, content: null, ...made });
    assert.ok(change?.do === 'write' && change.secret);
    assert.equal(change.content, 'A="1"\nJWT_KEYS="id:fresh"\n');
    assert.equal(change.note, 'A added, JWT_KEYS added');
  });

  it('keeps the secrets that are there', () => {
    const [change] = resource.plan({ stat, content: 'A="0"\nJWT_KEYS="id:old"\n', ...made });
    assert.ok(change?.do === 'write');
    assert.equal(change.content, 'A="1"\nJWT_KEYS="id:old"\n');
    assert.equal(change.note, 'A changed');
  });

  it('takes what berth config has set, but for what the hosts file sets', () => {
    const state = { stat, content: 'A="1"\nJWT_KEYS="id:old"\n', ...made, config: { A: '2', B: '3' } };
    const [change] = resource.plan(state);
    assert.ok(change?.do === 'write');
    assert.equal(change.content, 'A="1"\nB="3"\nJWT_KEYS="id:old"\n');
    assert.match(String(resource.notices?.(state)), /^A of api .*berth config unset A/);
  });

  it('changes nothing where all is as it shall be', () => {
    assert.deepEqual(resource.plan({ stat, content: 'A="1"\nJWT_KEYS="id:old"\n', ...made }), []);
  });
});
