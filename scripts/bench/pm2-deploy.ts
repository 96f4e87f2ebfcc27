import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Status } from '../../test/e2e/checkout.ts';
import { clientOf } from '../../test/e2e/client.ts';
import { type Load, startLoad } from '../../test/e2e/load.ts';
import { type RunResult, run, runChecked } from '../process.ts';
import { commitSourceChange } from './source-change.ts';

/**
 * `berth deploy` and `pm2 deploy` with `pm2 reload`, side by side in one run: the bundled API on the same machine,
 * behind the same nginx, with the same load and the same changes. Run it as `node scripts/bench/pm2-deploy.ts`, with
 * the Node of the lock file, after `./scripts/up` of a container machine (`BERTH_HOST`, else local); it installs git
 * there and takes the rest of what it made away again.
 *
 * pm2 is given what its manual advises (cluster mode, `wait_ready`, a `kill_timeout`), and the dependencies that Berth
 * has on the machine already, so that its deploys need no npm.
 */
const root = join(import.meta.dirname, '../..');
const rounds = Number(process.env.BERTH_ROUNDS ?? 5);
const clients = Number(process.env.BERTH_CLIENTS ?? 8);
const perSecond = Number(process.env.BERTH_RATE ?? 120);
/** `berth` or `pm2`: that one alone. */
const only = process.env.BERTH_WAY ?? '';
const scratch = mkdtempSync(join(tmpdir(), 'berth-bench-'));
const port = 8444;

/** One of the two ways. */
type Way = {
  name: string;
  url: string;
  deploy(commit: string): Promise<RunResult>;
  /** What `X-Release` says once this commit serves. */
  releaseOf(commit: string): Promise<string>;
};

type Figures = { seconds: number[]; requests: number; failed: number; crash: string };

const berth = (words: string[], input?: string) =>
  run([process.execPath, join(root, 'scripts/berth.ts'), ...words], input === undefined ? {} : { input });

async function onMachine(script: string): Promise<string> {
  const { code, stdout, stderr } = await berth(['ssh', '--', 'sudo', 'sh', '-eu'], script);
  if (code !== 0) throw new Error(`on the machine: ${stderr}`);
  return stdout;
}

async function status(): Promise<Status> {
  return JSON.parse((await berth(['status', '--json'])).stdout.trim().split('\n').at(-1) ?? '') as Status;
}

const deployScript = `set -e
export PATH=/opt/berth/node/bin:$PATH PM2_HOME=/home/deploy/bench-pm2
export NODE_ENV=production PORT=3100 LISTEN_HOST=127.0.0.1 RELEASE=$(git rev-parse --short=12 HEAD)
export DATABASE_URL=postgresql:///pm2bench?host=/run/postgresql JWT_KEYS=$(cat /home/deploy/bench.key)
ln -sfn "$(readlink -f /srv/api/current/app/node_modules)" node_modules
node api/migrate.ts
exec node /opt/berth/node/node_modules/pm2/bin/pm2 startOrReload /home/deploy/bench.config.cjs --update-env
`;

const ecosystem = {
  apps: [
    {
      ...{ name: 'bench', cwd: '/home/deploy/bench/current', script: 'api/server.ts' },
      ...{
        exec_mode: 'cluster',
        instances: 2,
        wait_ready: true,
        listen_timeout: 10_000,
        kill_timeout: 12_000,
      },
    },
  ],
  deploy: {
    production: {
      ...{ user: 'deploy', host: 'local', ref: 'origin/main', path: '/home/deploy/bench' },
      ...{ repo: '/home/deploy/bench.git', 'post-deploy': 'sh /home/deploy/bench.sh' },
    },
  },
};

const server = (certificate: string) => `upstream pm2bench { server 127.0.0.1:3100; keepalive 32; }
server {
  listen ${port} ssl;
  http2 on;
  ssl_certificate ${certificate};
  ssl_certificate_key ${certificate};
  location / { include /etc/nginx/berth/proxy.conf; proxy_pass http://pm2bench; }
}
`;

async function setUp(): Promise<void> {
  const config = `module.exports = ${JSON.stringify(ecosystem)};\n`;
  await onMachine(`command -v git >/dev/null || apt-get install -y -qq git >/dev/null
cat >/home/deploy/bench.config.cjs <<'END'
${config}END
cat >/home/deploy/bench.sh <<'END'
${deployScript}END
echo "k1:$(openssl rand -hex 32)" >/home/deploy/bench.key
git init --quiet --bare --initial-branch=main /home/deploy/bench.git
chown -R deploy: /home/deploy/bench.*
cd /
sudo -u postgres createuser deploy
sudo -u postgres createdb -O deploy pm2bench
cat >/etc/nginx/conf.d/pm2bench.conf <<'END'
${server('/etc/berth/tls/server.pem')}END
nginx -t -q && systemctl reload nginx
`);
}

async function takeDown(): Promise<void> {
  await onMachine(`cd /
PM2_HOME=/home/deploy/bench-pm2 sudo -u deploy --preserve-env=PM2_HOME \\
  /opt/berth/node/bin/node /opt/berth/node/node_modules/pm2/bin/pm2 kill >/dev/null 2>&1 || true
rm -rf /home/deploy/bench* /etc/nginx/conf.d/pm2bench.conf
systemctl reload nginx
sudo -u postgres dropdb --if-exists --force pm2bench
sudo -u postgres dropuser --if-exists deploy
`);
}

/** `pm2 deploy` calls plain `ssh`: it gets the machine's ssh configuration by a shim before it on the PATH. */
function pm2Way({ url, ssh }: Status): Way {
  const config = /-F (\S+)/.exec(ssh)?.[1] ?? '';
  const shim = join(scratch, 'ssh');
  writeFileSync(shim, `#!/bin/sh\nexec /usr/bin/ssh -F '${config}' "$@"\n`);
  chmodSync(shim, 0o755);
  const local = join(scratch, 'ecosystem.config.cjs');
  writeFileSync(local, `module.exports = ${JSON.stringify(ecosystem)};\n`);
  const env = { PATH: `${scratch}:${process.env.PATH}`, PM2_HOME: join(scratch, 'pm2') };
  const pm2 = (...words: string[]) =>
    run([process.execPath, join(root, 'node_modules/pm2/bin/pm2'), 'deploy', local, 'production', ...words], {
      env,
      cwd: root,
    });
  const push = (commit: string) => {
    const to = ['deploy@local:bench.git', `${commit}:refs/heads/main`];
    return runChecked(['git', '-C', root, 'push', '--quiet', '--force', ...to], {
      env: { ...env, GIT_SSH: shim },
    });
  };
  let prepared = false;
  return {
    name: 'pm2 deploy, pm2 reload',
    url: `${new URL(url).origin}:${port}`,
    async deploy(commit) {
      await push(commit);
      if (!prepared) await pm2('setup');
      prepared = true;
      return pm2('--force');
    },
    releaseOf: async (commit) => commit.slice(0, 12),
  };
}

function berthWay({ url }: Status): Way {
  return {
    name: 'berth deploy',
    url,
    deploy: (commit) => berth(['deploy', '--ref', commit]),
    releaseOf: async () => (await status()).release ?? '',
  };
}

async function measure(way: Way, ca: string): Promise<Figures> {
  const first = await way.deploy(await change());
  if (first.code !== 0) throw new Error(`${way.name}: ${first.stdout}\n${first.stderr}`);
  const load = startLoad({ url: way.url, ca, token: await signIn(way.url, ca), clients, perSecond, long: 0 });
  await wait(5000);
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) seconds.push(await deployOnce(way, load));
  await wait(5000);
  const { requests, failures } = load.tally;
  const figures = { seconds, requests, failed: failures.length };
  const crash = await crashOnce(way, load);
  await load.stop();
  return { ...figures, crash };
}

/** Seconds from the command until the new release answers its first request. */
async function deployOnce(way: Way, { tally }: Load): Promise<number> {
  const commit = await change();
  const began = Date.now();
  const { code, stdout, stderr } = await way.deploy(commit);
  if (code !== 0) throw new Error(`${way.name}: ${stdout}\n${stderr}`);
  const release = await way.releaseOf(commit);
  for (let tries = 0; tries < 100 && !tally.releases.has(release); tries += 1) await wait(100);
  const seconds = ((tally.releases.get(release)?.first ?? Number.NaN) - began) / 1000;
  await wait(5000);
  return seconds;
}

async function crashOnce(way: Way, { tally }: Load): Promise<string> {
  const server = readFileSync(join(root, 'api/server.ts'), 'utf8');
  const broken = await commitSourceChange(
    root,
    'api/server.ts',
    `throw new Error('broken on purpose');\n${server}`,
  );
  const [requests, failed] = [tally.requests, tally.failures.length];
  const { code, stdout, stderr } = await way.deploy(broken);
  await wait(10_000);
  const lines = `${stdout}\n${stderr}`.trim().split('\n');
  const last = (lines.find((line) => line.startsWith('error: ')) ?? lines.at(-1) ?? '').trim();
  const lost = tally.failures.length - failed;
  const still = tally.failures.filter(({ at }) => at > Date.now() - 2000).length > 0;
  return `exit code ${code}, "${last.slice(0, 80)}"; ${lost} of ${tally.requests - requests} requests failed, ${still ? 'down until the next deploy' : 'the old one serves'}`;
}

const change = () => commitSourceChange(root, 'bench.txt', `${Date.now()}\n`);

async function signIn(url: string, ca: string): Promise<string> {
  const ask = clientOf({ url, ca });
  const account = { email: 'bench@example.com', password: 'a long enough password' };
  await ask({ method: 'POST', path: '/api/users', body: account });
  const login = { username: account.email, password: account.password };
  const token = String((await ask({ method: 'POST', path: '/api/login', body: login })).json.access_token);
  for (let post = 0; post < 5; post += 1) {
    await ask({ method: 'POST', path: '/api/posts', token, body: { title: 'first', content: 'bench' } });
  }
  return token;
}

const machine = await status();
await takeDown();
await setUp();
try {
  console.log('| | median s until it serves | requests failed | a release that crashes |\n|---|---|---|---|');
  const ways = [berthWay(machine), pm2Way(machine)].filter(({ name }) => name.startsWith(only));
  for (const way of ways) {
    const { seconds, requests, failed, crash } = await measure(way, machine.ca);
    const sorted = seconds.toSorted((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)]?.toFixed(1);
    console.log(
      `| \`${way.name}\` | ${middle} (${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)}) | ${failed} of ${requests} | ${crash} |`,
    );
  }
} finally {
  await takeDown();
  rmSync(scratch, { recursive: true });
}
