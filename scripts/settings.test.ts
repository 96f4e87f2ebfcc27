import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type Joi from 'joi';
import { BerthError } from '../provisioning/errors.ts';
import { selfSigned } from '../test/self-signed.ts';
import { hostSchema } from './settings/schema.ts';
import { parseHostFile, readSecrets, resolveSettings } from './settings.ts';

const root = dirname(import.meta.dirname);
const path = 'provisioning/hosts/test.yml';
const parse = (text: string) => parseHostFile(text, { name: 'test', path, root });
const file = (name: string) => readFileSync(join(root, 'provisioning/hosts', name), 'utf8');
const least = 'machine: {kind: container}\napps: {api: {}}\n';

function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof BerthError && error.code === 'settings_invalid', String(error));
    return error.message.split('\n').filter((line) => line.startsWith(`${path}:`));
  }
  return [];
}

describe('hosts files', () => {
  it('local.yml, as it comes with the repository, is complete by its defaults', () => {
    const show = ['-C', root, 'show', 'HEAD:provisioning/hosts/local.yml'];
    const local = parse(execFileSync('git', show, { encoding: 'utf8' }));
    assert.deepEqual(local, { ...parse(least), auto: true });
  });

  it('example.yml states every default as the schema has it', () => {
    assert.deepEqual(parse(file('example.yml')), parse(least));
  });

  it('example.yml explains every key of the schema', () => {
    const missing = schemaKeys(hostSchema(root).describe()).filter(
      (key) => !new RegExp(`^ *#?${key}:`, 'm').test(file('example.yml')),
    );
    assert.deepEqual(missing, []);
  });

  it('example.yml has examples that are valid where there is no default', () => {
    const shown = file('example.yml')
      .replace(
        /^ *(image|network|memory|env: \{\}|shared: \[\]|cron: \[\]|allow: \[\]|ssh_from: \[\]|extra_ca: \[\]).*\n/gm,
        '',
      )
      .replace('kind: container', 'kind: ssh')
      .replace('kind: local', 'kind: letsencrypt')
      .replace(/^#?extra_ca.*\n| *#(identity|ca|cert|key|hsts):.*\n/gm, '')
      .replace(/#names: .*/, 'names: [vps1.example.org]')
      .replace(/^( *)#(?=[a-z])/gm, '$1');
    const { machine, settings } = parse(shown);
    assert.deepEqual(machine, { kind: 'ssh', host: '203.0.113.7', port: 22, user: 'root' });
    assert.equal(settings.apps.api?.env.CORS_ORIGINS, 'https://example.org');
  });
});

describe('parseHostFile', () => {
  it('names file, line, column and path of every problem at once, in the order of the file', () => {
    assert.deepEqual(
      problemsOf(
        'machine: {kind: container}\napps:\n  api:\n    procesess: {web: 1}\n    prefix: api\nswap: of\n',
      ),
      [
        `${path}:4:5 apps.api.procesess: unknown key; did you mean "processes"?`,
        `${path}:5:13 apps.api.prefix: "api" is not a path such as / or /api, without a slash at its end`,
        `${path}:6:7 swap: "of" is none of: auto, off; did you mean off?`,
      ],
    );
  });

  const broken: [text: string, problem: RegExp][] = [
    ['', /:1:1 the file is empty/],
    ['# nothing\n', /:1:1 the file is empty/],
    ['- a\n', /:1:1 the file must be a map/],
    ['just text', /:1:1 the file must be a map/],
    ['swap: auto\nswap: off\n', /:2:1 this key stands here for the second time/],
    ['machine:\n\tkind: container\n', /:2:1 a tab/],
    ['apps: [a\n', /:2:1 is not YAML/],
    ['apps: &a {}\nmachine: *a\n', /:2:10 \*a: aliases are not taken here/],
    ['apps: !!js/function x\n', /:1:7 tags/],
    [`${least}---\n${least}`, /:3:1 a second document/],
    [`${least}__proto__: {}\n`, /:3:1 __proto__: unknown key/],
    [`${least}constructor: {}\n`, /:3:1 constructor: unknown key/],
    ['apps: {api: {}}\n', /:1:1 machine: is missing/],
    ['machine: {kind: container}\napps: {}\n', /:2:7 apps: is empty/],
    ['machine: {kind: ssh}\napps: {api: {}}\n', /:1:1 machine.host: is missing/],
    [
      'machine: {kind: ssh, host: h, image: debian-13}\napps: {api: {}}\n',
      /:1:31 machine.image: does not belong to this kind/,
    ],
    [
      'machine: {kind: vm, image: x}\napps: {api: {}}\n',
      /:1:17 machine.kind: "vm" is none of: auto, container, vagrant, ssh/,
    ],
    [
      'machine: {kind: vagrant, memory: 4gb}\napps: {api: {}}\n',
      /:1:26 machine.memory: does not belong to this kind/,
    ],
    [
      'machine: {kind: vagrant}\nssh: {port: 2222}\napps: {api: {}}\n',
      /:2:7 ssh.port: a machine of Vagrant's is forwarded to at 22/,
    ],
    [`${least}timezone:\n`, /timezone: is empty; write a value/],
    [`${least}nginx: {https_port: "443"}\n`, /:3:21 nginx.https_port: must be a number, not "443"/],
    [`${least}nginx: {http_port: 443}\n`, /nginx.https_port: 443 is http_port too/],
    [`${least}journal: {max_use: 500}\n`, /journal.max_use: 500 is not a size such as/],
    [`${least}extra_ca: [none.pem]\n`, /extra_ca\[0\]: "none.pem" cannot be read/],
    [`${least}proxy: {url: 'http://me:secret@proxy:3128'}\n`, /proxy.url: holds a password/],
    [`${least}proxy: {url: 'proxy:3128'}\n`, /proxy.url: "proxy:3128" is not a proxy such as/],
    [`${least}backup: {at: "3:30"}\n`, /backup.at: "3:30" is not a time of day/],
    [`${least}backup: {drill: Sunday}\n`, /backup.drill: "Sunday" is neither off nor/],
    [`${least}backup: {restic: {repository: copies}}\n`, /repository: "copies" is neither an absolute path/],
    [`${least}backup: {restic: {repository: "rest:https://u:p@x/"}}\n`, /repository: .*holds a password/],
    [`${least}firewall: {allow: [8080]}\n`, /firewall.allow\[0\]: must be/],
    [`${least}firewall: {allow: [80/http]}\n`, /firewall.allow\[0\]: "80\/http" is not a port such as/],
    [`${least}firewall: {ssh_from: [home]}\n`, /firewall.ssh_from\[0\]: "home" is neither an address nor/],
    [
      `${least}firewall: {ssh_from: ["2001:db8::7/48"]}\n`,
      /ssh_from\[0\]: "2001:db8::7\/48" is an address in a network; the network is 2001:db8::\/48$/m,
    ],
    [`${least}admin: {user: postgres}\n`, /admin.user: "postgres" is a user of the system/],
    [`${least}admin: {user: api}\n`, /apps.api: is also admin.user/],
  ];
  for (const [text, problem] of broken) {
    it(`refuses ${JSON.stringify(text.slice(-50))}`, () => {
      const found = problemsOf(text);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', problem);
    });
  }

  const weekly = '{kind: digest, schedule: "0 7 * * 1"}';
  const brokenApps: [apps: string, problem: RegExp][] = [
    ['{nginx: {}}', /apps.nginx: is the name of a user, unit or directory/],
    ['{API: {}}', /apps.API: is not an application's name/],
    ['{api: {processes: {release: 1}}}', /apps.api.processes.release: runs once in every deploy/],
    ['{api: {processes: {web: 0}}}', /apps.api.processes.web: 0 is neither auto nor a number from 1/],
    ['{api: {processes: {worker: 65}}}', /apps.api.processes.worker: 65 is neither auto nor a number from 0/],
    ['{api: {env: {PORT: 1}}}', /apps.api.env.PORT: is not yours to set/],
    ['{api: {env: {DATABASE_URL: x}}}', /apps.api.env.DATABASE_URL: is set by database: local/],
    ['{api: {env: {JWT_KEYS: x}}}', /apps.api.env.JWT_KEYS: is also in secrets/],
    ['{api: {env: {A: "x\\ny"}}}', /apps.api.env.A: holds a line break/],
    ['{api: {path: ../other}}', /apps.api.path: "..\/other" is not a folder/],
    ['{api: {path: /srv}}', /apps.api.path: "\/srv" is not a folder/],
    ['{api: {shared: [/srv/uploads]}}', /apps.api.shared\[0\]: "\/srv\/uploads" is not a folder/],
    ['{api: {shared: [a/../b]}}', /apps.api.shared\[0\]: "a\/..\/b" is not a folder/],
    ['{api: {shared: [node_modules]}}', /apps.api.shared\[0\]: "node_modules" belongs to the dependencies/],
    ['{api: {shared: [data, data/up]}}', /apps.api.shared: data\/up lies in another shared folder/],
    ['{api: {timeouts: {answer: 2h}}}', /apps.api.timeouts.answer: "2h" is not between 1s and 1h/],
    ['{api: {websocket: "yes"}}', /apps.api.websocket: must be true or false, not "yes"/],
    ['{api: {queue: redis}}', /:2:21 apps.api.queue: "redis" is none of: postgres, rabbitmq/],
    ['{api: {queue: rabbitmq, env: {QUEUE_URL: x}}}', /apps.api.env.QUEUE_URL: is set by queue: rabbitmq/],
    ['{api: {queue: rabbitmq, secrets: [QUEUE_URL]}}', /apps.api.secrets\[0\]: is set by queue: rabbitmq/],
    ['{api: {processes: {queue: 1}}}', /apps.api.processes.queue: runs when berth queue asks it/],
    [`{api: {cron: [${weekly}], env: {CRON: x}}}`, /apps.api.env.CRON: is set by cron/],
    ['{api: {cron: {digest: daily}}}', /apps.api.cron: must be a list/],
    ['{api: {cron: [{kind: digest}]}}', /apps.api.cron\[0\].schedule: is missing/],
    ['{api: {cron: [{kind: 1st, schedule: "* * * * *"}]}}', /cron\[0\].kind: "1st" is not a kind of task/],
    [
      '{api: {cron: [{kind: d, schedule: "61 * * * *"}]}}',
      /:2:\d+ apps.api.cron\[0\].schedule: .*"61" as its/,
    ],
    [`{api: {cron: [${weekly}, ${weekly}]}}`, /apps.api.cron\[1\]: stands in the list twice/],
    [
      '{api: {cron: [{kind: d, schedule: "* * * * *", timezon: UTC}]}}',
      /cron\[0\].timezon: unknown key; did you mean/,
    ],
    ['{api: {cron: [{kind: d, schedule: "* * * * *", payload: 7}]}}', /cron\[0\].payload: must be a map/],
    [
      '{api: {cron: [{kind: d, schedule: "* * * * *", missed: never}]}}',
      /missed: "never" is none of: once, skip/,
    ],
    ['{api: {cron: [{kind: d, schedule: "* * * * *", timezone: Mars}]}}', /timezone: "Mars" is not an IANA/],
    [
      `{api: {cron: [{kind: d, schedule: "* * * * *", payload: {a: ${'x'.repeat(102_400)}}}]}}`,
      /apps.api.cron: is 1\d{5} bytes as JSON/,
    ],
    ['{a: {}, b: {}}', /apps.b.prefix: \/api is the prefix of apps.a too/],
    ['{a: {domains: [x.org, y.org]}, b: {domains: [y.org]}}', /apps.b.domains: apps.a has y.org too/],
  ];
  for (const [apps, problem] of brokenApps) {
    it(`refuses apps ${apps.slice(0, 100)}`, () => {
      assert.match(problemsOf(`machine: {kind: container}\napps: ${apps}\n`).join('\n'), problem);
    });
  }

  it('takes variables as they are written, not as numbers and booleans', () => {
    const { settings } = parse(
      'machine: {kind: container}\napps: {api: {env: {V: 1.10, B: yes, T: true, E: ""}}}',
    );
    assert.deepEqual(settings.apps.api?.env, { V: '1.10', B: 'yes', T: 'true', E: '' });
  });

  it('takes the document of an application to be where the bundled API has it, unless it says otherwise', () => {
    const documentOf = (api: string) =>
      parse(`machine: {kind: container}\napps: {api: {${api}}}`).settings.apps.api?.openapi;
    assert.equal(documentOf(''), '/api/openapi.json');
    assert.equal(documentOf('prefix: /shop'), null);
    assert.equal(documentOf('openapi: none'), null);
    assert.equal(documentOf('prefix: /shop, openapi: /shop/api.json'), '/shop/api.json');
  });

  it('takes tasks on a schedule, in the time zone of the machine unless they say another', () => {
    const zone =
      '{kind: digest, schedule: "0  7 * * 1", timezone: Asia/Tokyo, missed: skip, payload: {days: 7}}';
    const { settings } = parse(
      `machine: {kind: container}\ntimezone: Europe/Berlin\napps: {api: {cron: [${weekly}, ${zone}]}}`,
    );
    const digest = { kind: 'digest', schedule: '0 7 * * 1' };
    assert.deepEqual(settings.apps.api?.cron, [
      { ...digest, payload: {}, timezone: 'Europe/Berlin', missed: 'once' },
      { ...digest, payload: { days: 7 }, timezone: 'Asia/Tokyo', missed: 'skip' },
    ]);
  });

  it('runs a worker beside whatever else is said of processes, unless it is to be none', () => {
    const processesOf = (processes: string) =>
      parse(`machine: {kind: container}\napps: {api: {processes: ${processes}}}`).settings.apps.api
        ?.processes;
    assert.deepEqual(processesOf('{}'), { web: 0, worker: 1 });
    assert.deepEqual(processesOf('{web: 2, clock: 1}'), { web: 2, worker: 1, clock: 1 });
    assert.deepEqual(processesOf('{worker: auto}'), { web: 0, worker: 0 });
    assert.deepEqual(processesOf('{worker: 0, clock: 0}'), { web: 0 });
  });

  it('lets an application have a QUEUE_URL and a CRON of its own where no setting of its sets them', () => {
    const { settings } = parse('machine: {kind: container}\napps: {api: {env: {QUEUE_URL: a, CRON: b}}}');
    assert.deepEqual(settings.apps.api?.env, { QUEUE_URL: 'a', CRON: 'b' });
  });

  it('never shows the value of a variable or a private key', () => {
    const text = `${least}admin: {keys: ["-----BEGIN OPENSSH PRIVATE KEY----- hush"]}\n`;
    const env = 'machine: {kind: container}\napps: {api: {env: {A: "hush\\n"}}}';
    for (const problems of [problemsOf(text), problemsOf(env)]) {
      assert.equal(problems.length, 1);
      assert.doesNotMatch(problems.join(), /hush/);
    }
  });
});

describe('tls', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-tls-'));
  after(() => rmSync(directory, { recursive: true }));
  const withTls = (tls: string, rest = '', api = '') =>
    `machine: {kind: container}\ntls: ${tls}\n${rest}apps: {api: {${api}}}\n`;
  const domain = 'domains: [api.example.org]';

  /** A certificate for these names, and its key. */
  function pair(file: string, ...names: string[]): string {
    const alternatives = names.map((name) => `DNS:${name}`).join();
    const [pem, key] = [join(directory, `${file}.pem`), join(directory, `${file}.key`)];
    const [openssl = '', ...make] = selfSigned;
    execFileSync(
      openssl,
      [
        ...[
          ...make,
          '-keyout',
          key,
          '-out',
          pem,
          '-subj',
          '/CN=own',
          '-addext',
          `subjectAltName=${alternatives}`,
        ],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ],
      { stdio: 'ignore' },
    );
    return `{cert: ${pem}, key: ${key}}`;
  }

  it('is one word, or a map', () => {
    for (const tls of ['letsencrypt', '{kind: letsencrypt}']) {
      const { settings } = parse(withTls(tls, '', domain));
      assert.deepEqual(settings.tls, {
        ...{ kind: 'letsencrypt', names: [], email: null, ca: null, hsts: true },
        directory: 'https://acme-v02.api.letsencrypt.org/directory',
        staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
      });
    }
    assert.deepEqual(parse(withTls('local')).settings.tls, { kind: 'local', names: [] });
    assert.match(problemsOf(withTls('letsencrpyt')).join(), /:2:6 tls: .* did you mean letsencrypt\?/);
  });

  it('has no staging directory of another authority, nor HSTS', () => {
    const { settings } = parse(
      withTls('{kind: letsencrypt, directory: "https://ca.example/dir"}', '', domain),
    );
    const { tls } = settings;
    assert.ok(tls.kind === 'letsencrypt');
    assert.deepEqual([tls.staging, tls.hsts], [null, false]);
  });

  const refused: [what: string, text: string, problem: RegExp][] = [
    ['letsencrypt without a name', withTls('letsencrypt'), /wants a name that leads to this machine/],
    ['an address', withTls('{kind: letsencrypt, names: [203.0.113.7]}'), /is an address/],
    ['no public name', withTls('letsencrypt', '', 'domains: [api.local]'), /nothing for api\.local/],
    [
      'a key of another kind',
      withTls('{email: a@example.org}'),
      /tls\.email: does not belong to this kind of cert/,
    ],
    ['a certificate without its key', withTls('{cert: none.pem}'), /tls\.(cert|key): /],
    [
      'HSTS away from port 443',
      withTls('{kind: letsencrypt, hsts: true}', 'nginx: {https_port: 8443}\n', domain),
      /tls\.hsts: sends browsers to port 443/,
    ],
  ];
  for (const [what, text, problem] of refused)
    it(`refuses ${what}`, () => {
      assert.match(problemsOf(text).join(), problem);
    });

  it('takes the names of a certificate of one’s own, and its key only where it is asked for', () => {
    const tls = pair('own', 'a.example.org', '*.b.example.org');
    const file = parse(withTls(tls));
    assert.ok(file.settings.tls.kind === 'own' && !JSON.stringify(file).includes('PRIVATE KEY'));
    assert.deepEqual(file.settings.tls.names, ['a.example.org']);
    assert.match(readSecrets(file).tlsKey ?? '', /^-----BEGIN PRIVATE KEY/);
    rmSync(join(directory, 'own.key'));
    assert.throws(() => readSecrets(parse(withTls(tls))), /tls\.key: .* cannot be read/);
  });

  it('refuses one’s own for other names, or without any, or with another key', () => {
    const one = pair('one', 'a.example.org');
    assert.match(problemsOf(withTls(one, '', domain)).join(), /tls\.cert: is not for api\.example\.org/);
    const wild = pair('wild', '*.example.org');
    assert.match(problemsOf(withTls(wild)).join(), /tls\.cert: is for no name in full/);
    const mixed = withTls(`{cert: ${join(directory, 'one.pem')}, key: ${join(directory, 'wild.key')}}`);
    assert.throws(() => readSecrets(parse(mixed)), /is not the key of tls\.cert/);
  });
});

describe('resolveSettings', () => {
  const reach = {
    alias: 'test',
    firstUser: 'root',
    publicKey: 'ssh-ed25519 AAAA test',
    names: ['10.77.0.2'],
  };

  it('takes the machine’s key and names where the file has none', () => {
    const { admin, tls } = resolveSettings(parse(least), reach);
    assert.deepEqual([admin.keys, tls.names], [[reach.publicKey], reach.names]);
  });

  it('keeps what the file says', () => {
    const { tls } = resolveSettings(parse(`${least}tls: {names: [a.example]}`), reach);
    assert.deepEqual(tls.names, ['a.example']);
  });

  it('adds the applications’ domains to the certificate', () => {
    const file = parse('machine: {kind: container}\napps: {api: {domains: [b.example, a.example]}}');
    assert.deepEqual(resolveSettings(file, reach).tls.names, ['10.77.0.2', 'a.example', 'b.example']);
  });

  it('takes the port and the host name that the Vagrantfile was told where the file says nothing else', () => {
    const vagrant = { httpPort: 9080, httpsPort: 9443, hostname: 'box' };
    const ofVagrant = { ...reach, firstUser: 'vagrant', vagrant };
    const said = 'hostname: api1\nnginx: {public_https_port: 443}\n';
    const found = [least, least + said].map((text) => {
      const { hostname, nginx, ssh } = resolveSettings(parse(text), ofVagrant);
      return [hostname, nginx.publicHttpsPort, ssh.vagrant];
    });
    assert.deepEqual(found, [
      ['box', 9443, 'vagrant'],
      ['api1', 9443, 'vagrant'],
    ]);
    assert.equal(resolveSettings(parse(least), reach).ssh.vagrant, null);
  });

  it('refuses a machine that nobody could log in to', () => {
    const { publicKey: _, ...keyless } = reach;
    assert.throws(() => resolveSettings(parse(least), keyless), { code: 'settings_invalid' });
  });
});

function schemaKeys({ keys = {}, patterns = [], matches = [] }: Joi.Description): string[] {
  const otherwise = matches.flatMap(({ otherwise }: { otherwise?: Joi.Description }) =>
    otherwise ? schemaKeys(otherwise) : [],
  );
  const own = Object.entries<Joi.Description>(keys).flatMap(([key, value]) => [key, ...schemaKeys(value)]);
  return [
    ...otherwise,
    ...own,
    ...patterns.flatMap(({ rule }: { rule: Joi.Description }) => schemaKeys(rule)),
  ];
}
