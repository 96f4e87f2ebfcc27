import { judge } from '../../provisioning/verify/finding.ts';
import { ask } from './exchange.ts';
import { below, sitesOf } from './sites.ts';
import type { OutsideCheck, Target } from './target.ts';

const climbing = [
  '../../../../etc/passwd',
  '..%2f..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '..;/..;/etc/passwd',
  '..%5c..%5cetc%5cpasswd',
  '....//....//etc/passwd',
  '%252e%252e%252fetc%252fpasswd',
  'x%00/../../etc/passwd',
];
const hidden = [
  '.env',
  '.git/config',
  '.git/HEAD',
  'package.json',
  'package-lock.json',
  'Procfile',
  'api/server.ts',
  'node_modules/koa/package.json',
  '.htpasswd',
  'server-status',
  'nginx_status',
  'backup.sql',
  'ecosystem.config.js',
];
const signs =
  /root:.*:0:0:|\[core\]|ref: refs\/|"lockfileVersion"|"dependencies"|Active connections:|^web:|JWT_KEYS|DATABASE_URL/m;

/** Files that no request may reach: the machine's by climbing up, and the application's own. */
export const paths: OutsideCheck = { id: 'paths', run };

async function run(target: Target) {
  const sites = sitesOf(target);
  const look = async (names: string[]) => {
    const tried = sites.flatMap((site) => names.map((name) => ({ ...site, path: below(site, name) })));
    const seen = await Promise.all(
      tried.map(async (request) => {
        const { status, body } = await ask(target, request);
        return signs.test(body)
          ? [`${request.path} of ${request.what}: ${status} with ${signs.exec(body)?.[0].slice(0, 40)}`]
          : [];
      }),
    );
    return { wrong: seen.flat(), fine: `${tried.length} paths tried` };
  };
  const [up, own] = await Promise.all([look(climbing), look(hidden)]);
  const fix = 'find what serves it: an alias or root of nginx, or static files of the application';
  return [
    judge(
      {
        id: 'paths.climbing',
        title: 'no path climbs out of what is served',
        fix,
        reference: 'OWASP WSTG-ATHZ-01',
      },
      up.wrong,
      up.fine,
    ),
    judge(
      {
        id: 'paths.hidden',
        title: 'no source, settings or repository is served',
        fix,
        reference: 'OWASP WSTG-CONF-04',
      },
      own.wrong,
      own.fine,
    ),
  ];
}
