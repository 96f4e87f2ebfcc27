import type { Host } from '../host.ts';
import type { Check, Finding, Rule, Subject } from './finding.ts';
import { judge } from './finding.ts';
import { isPublished, ownFiles } from './own-files.ts';

const rule = (what: string, title: string): Rule => ({
  id: `secrets.${what}`,
  title,
  fix: 'berth apply puts back the modes; change each secret that others could read (berth config, berth apply)',
  reference: 'OWASP ASVS 13.3.1',
});

/** Tries to open each path and says which could be: NUL ends a path on both ways. */
const tries = `while IFS= read -r f; do if { true <"$f"; } 2>/dev/null; then printf '%s\\n' "$f"; fi; done`;

/** Who can really read a secret: each other user tries to open it. */
export const secrets: Check = { id: 'secrets', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const apps = Object.keys(settings.apps);
  const known = new Set((await host.facts.users()).map(({ name }) => name));
  const others = ['nobody', 'www-data', 'postgres', ...apps].filter((name) => known.has(name));
  const files = await secretFiles(host, apps);
  const opened = await Promise.all(
    others.map(async (user) => [user, await opens(host, user, files)] as const),
  );
  const isOwn = (user: string, path: string) =>
    [`/etc/${user}/`, `/srv/${user}/`].some((own) => apps.includes(user) && path.startsWith(own));
  const leaks = opened.flatMap(([user, paths]) =>
    paths.filter((path) => !isOwn(user, path)).map((path) => ({ user, path, text: `${user} reads ${path}` })),
  );
  const ofApps = ({ path }: { path: string }) =>
    apps.some((app) => path.startsWith(`/etc/${app}/`) || path.startsWith(`/srv/${app}/`));
  const tried = `${others.join(', ')} tried ${files.length} files`;
  return [
    judge(
      rule('machine', 'nobody but root can read the machine’s secrets'),
      leaks.filter((leak) => !ofApps(leak)).map(({ text }) => text),
      tried,
    ),
    judge(
      rule('applications', 'an application’s environment is read by nobody else'),
      leaks.filter(ofApps).map(({ text }) => text),
      tried,
    ),
    ...(await ownReach(host, apps, known)),
  ];
}

/** The same trial on what an application has to read: that it opens nothing would prove nothing otherwise. */
async function ownReach(host: Host, apps: string[], known: Set<string>): Promise<Finding[]> {
  const envs = (
    await Promise.all(apps.map(async (app) => [app, await host.stat(`/etc/${app}/env`)] as const))
  ).filter(([app, stat]) => stat && known.has(app));
  if (envs.length === 0) return [];
  const blind = await Promise.all(
    envs.map(async ([app]) =>
      (await opens(host, app, [`/etc/${app}/env`])).length === 1
        ? []
        : [`${app} cannot read /etc/${app}/env`],
    ),
  );
  return [
    judge(
      rule('own', 'each application reads its own environment'),
      blind.flat(),
      envs.map(([app]) => app).join(', '),
    ),
  ];
}

async function opens(host: Host, user: string, paths: string[]): Promise<string[]> {
  const as = [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${user === 'nobody' ? 'nogroup' : user}`,
    '--init-groups',
    '--inh-caps=-all',
  ];
  const out = await host.must([...as, 'sh', '-c', tries], {
    input: paths.map((path) => `${path}\n`).join(''),
  });
  return out.split('\n').filter(Boolean);
}

/** All that is secret, as root finds it. */
async function secretFiles(host: Host, apps: string[]): Promise<string[]> {
  const roots = [
    ...['/etc/shadow', '/etc/gshadow', '/etc/sudoers', '/etc/sudoers.d', '/var/backups/berth'],
    '/var/lib/rabbitmq/.erlang.cookie',
    ...apps.flatMap((app) => [`/etc/${app}`, `/srv/${app}/releases`]),
  ];
  const { stdout } = await host.run(['find', ...roots, '-xdev', '-type', 'f', '-print']);
  const keys = (await host.list('/etc/ssh'))
    .filter((name) => name.endsWith('_key'))
    .map((name) => `/etc/ssh/${name}`);
  const own = await ownFiles(host, { closed: true });
  const listed = [...own, ...stdout.split('\n'), ...keys].filter((path) => path.startsWith('/'));
  return listed.filter((path) => isSecret(path, apps));
}

/** Not what is published on purpose: some of Berth's own files, a release's plain ones. */
function isSecret(path: string, apps: string[]): boolean {
  if (isPublished(path)) return false;
  return apps.some((app) => path.startsWith(`/srv/${app}/releases/`)) ? path.endsWith('/env') : true;
}
