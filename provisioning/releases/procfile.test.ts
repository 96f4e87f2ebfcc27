import assert from 'node:assert/strict';
import { countConnections } from './cutover.ts';
import { parseManifest, parseProcfile, pm2Configuration, processesOf } from './procfile.ts';

describe('the Procfile', () => {
  it('names processes and their commands', () => {
    const text =
      '# processes\n\nweb: node api/server.ts\nrelease:   node api/migrate.ts  \nworker-2: ./work --now\n';
    assert.deepEqual(parseProcfile(text), {
      web: 'node api/server.ts',
      release: 'node api/migrate.ts',
      'worker-2': './work --now',
    });
  });

  it('is refused by line when it cannot be read, and without a web process', () => {
    assert.throws(() => parseProcfile('web: a\nnonsense\n'), { code: 'procfile_invalid', message: /line 2/ });
    assert.throws(() => parseProcfile('worker: a\n'), { code: 'procfile_invalid', message: /web/ });
  });
});

describe('the processes of an application', () => {
  const manifest = parseManifest(
    '{"scripts": {"start": "node server.js", "work": "npm run jobs -- --all", "jobs": "node jobs.js", "a": "npm run a"}}',
  );

  it('are npm start where there is no Procfile', () => {
    assert.deepEqual(processesOf(null, manifest), { web: 'node server.js' });
    assert.throws(() => processesOf(null, parseManifest('{}')), {
      code: 'procfile_invalid',
      message: /start script/,
    });
  });

  it('are what the scripts of package.json say, where one is all that npm is to run', () => {
    const text = 'web: npm start\nworker: npm run work\nrelease: npm run jobs && node b.js\n';
    assert.deepEqual(processesOf(text, manifest), {
      web: 'node server.js',
      worker: 'node jobs.js --all',
      release: 'npm run jobs && node b.js',
    });
    assert.throws(() => processesOf('web: npm run none', manifest), { message: /no script none/ });
    assert.throws(() => processesOf('web: npm run a', manifest), { message: /leads back to itself/ });
  });
});

describe("pm2's configuration", () => {
  const launch = (web: string, count = 2) => {
    const { apps } = pm2Configuration('web', {
      app: 'api',
      release: 6,
      procfile: { web, release: 'x' },
      processes: { web: count },
      cwd: '/s',
      preload: '/p.mjs',
      socket: '/s.sock',
      drainMs: 1,
      startTimeoutMs: 1,
      memoryLimitMiB: 256,
    });
    const { script, args, exec_mode, instances, ...rest } = apps[0] as Record<string, unknown>;
    return { script, args, exec_mode, instances, node_args: rest.node_args };
  };

  it('clusters `node [flags] file [arguments]`', () => {
    const expected = {
      script: 'server.ts',
      args: ['--x'],
      exec_mode: 'cluster',
      instances: 2,
      node_args: ['--import=/p.mjs', '--max-old-space-size=256'],
    };
    assert.deepEqual(launch('node --max-old-space-size=256 server.ts --x'), expected);
  });

  it('takes a flag that has its value beside it for one', () => {
    const { script, node_args } = launch('node -r dotenv/config --env-file .env dist/server.js');
    assert.equal(script, 'dist/server.js');
    assert.deepEqual(node_args, ['--import=/p.mjs', '-r', 'dotenv/config', '--env-file', '.env']);
  });

  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  const preloaded = 'export NODE_OPTIONS="--import=/p.mjs ${NODE_OPTIONS-}"';
  const forked: [command: string, line: string][] = [
    ['next start', 'exec next start'],
    ['node -e "x"', 'exec node -e "x"'],
    ['node $FILE', 'exec node $FILE'],
    ['node .', 'exec node .'],
    ['DEBUG=1 node server.js', 'DEBUG=1 node server.js'],
    ['node prepare.js && node server.js', 'node prepare.js && node server.js'],
  ];
  for (const [command, line] of forked) {
    it(`runs ${command} as one forked process of a shell`, () => {
      assert.deepEqual(launch(command), {
        script: '/usr/bin/systemd-cat',
        args: ['--identifier=web@v6', '/bin/sh', '-c', `${preloaded}; ${line}`],
        exec_mode: 'fork',
        instances: 1,
        node_args: undefined,
      });
    });
  }

  it('tells the web process alone where to listen', () => {
    const options = {
      ...{
        app: 'api',
        release: 6,
        cwd: '/s',
        preload: '/p.mjs',
        socket: '/s.sock',
        drainMs: 1,
        startTimeoutMs: 1,
        memoryLimitMiB: 256,
      },
      procfile: { web: 'node a.js', worker: 'node b.js' },
      processes: { web: 1, worker: 1 },
    };
    const told = (part: 'web' | 'workers') => pm2Configuration(part, options).apps.map(({ env }) => env);
    assert.deepEqual(told('web'), [{ PORT: '3000', BERTH_SOCKET: '/s.sock', BERTH_QUIET_MS: '0' }]);
    assert.deepEqual(told('workers'), [{}]);
  });

  it('starts web and the others apart, without what is run once and what the formation does not run', () => {
    const procfile = {
      ...{ web: 'node a.js', worker: './work', clock: 'node b.js' },
      ...{ release: 'node c.js', queue: 'node d.js' },
    };
    const options = {
      ...{
        app: 'api',
        release: 6,
        procfile,
        processes: { web: 1, worker: 3, release: 1, queue: 1 },
        cwd: '/s',
        preload: '/p.mjs',
        socket: '/s.sock',
        drainMs: 1,
        startTimeoutMs: 1,
        memoryLimitMiB: 256,
      },
    };
    const started = (part: 'web' | 'workers') =>
      pm2Configuration(part, options).apps.map(({ name, instances }) => [name, instances]);
    assert.deepEqual(started('web'), [['api', 1]]);
    assert.deepEqual(started('workers'), [['api-worker', 3]]);
    const node = { ...options, procfile: { web: 'node a.js', worker: 'node --flag b.js c' } };
    assert.deepEqual(pm2Configuration('workers', node).apps[0]?.args, [
      ...['--identifier=worker@v6', 'node', '--import=/p.mjs', '--flag', 'b.js', 'c'],
    ]);
  });
});

describe('connections on a socket', () => {
  it('are the connected lines of /proc/net/unix with its path', () => {
    const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 11001 /run/api/sockets/3.sock
0000000000000000: 00000003 00000000 00000000 0001 03 11002 /run/api/sockets/3.sock
0000000000000000: 00000003 00000000 00000000 0001 03 11003 /run/api/sockets/33.sock
0000000000000000: 00000003 00000000 00000000 0001 03 11004
`;
    assert.equal(countConnections(table, '/run/api/sockets/3.sock'), 1);
  });
});
