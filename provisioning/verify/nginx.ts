import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const rule = (what: string, title: string, reference: string) => ({
  id: `nginx.${what}`,
  title,
  fix: 'berth apply; sudo nginx -T shows all that it reads',
  reference,
});
const rules = {
  valid: rule('valid', 'nginx’s settings are valid', 'nginx -t'),
  protocols: rule(
    'protocols',
    'TLS 1.2 and 1.3 alone, wherever they are set',
    'Mozilla Server Side TLS, intermediate',
  ),
  version: rule('version', 'nginx keeps its version to itself', 'dev-sec nginx-baseline'),
  listing: rule('listing', 'no directory is listed', 'dev-sec nginx-baseline'),
  workers: rule('workers', 'nginx’s workers are not root', 'dev-sec nginx-baseline'),
};

/** nginx's settings with all that they include, as nginx itself reads them. */
export const nginx: Check = { id: 'nginx', run };

async function run({ host }: Subject): Promise<Finding[]> {
  const [{ code, stdout, stderr }, workers] = await Promise.all([
    host.run(['nginx', '-T']),
    host.run(['ps', '-C', 'nginx', '-o', 'user=,args=']),
  ]);
  if (code !== 0) return [judge(rules.valid, [stderr.trim()], '')];
  const settings = stdout.replaceAll(/^\s*#.*$/gm, '');
  const values = (name: string) =>
    [...settings.matchAll(new RegExp(`(?:^|[;{}])\\s*${name}\\s+([^;]+);`, 'gm'))].map(([, value = '']) =>
      value.trim(),
    );
  const protocols = values('ssl_protocols');
  const old = protocols
    .flatMap((value) => value.split(/\s+/))
    .filter((name) => !['TLSv1.2', 'TLSv1.3'].includes(name));
  const rooted = workers.stdout.split('\n').filter((line) => /^root\b.*worker process/.test(line));
  const [user = 'nobody said'] = values('user');
  return [
    judge(rules.valid, [], 'nginx -t'),
    judge(
      rules.protocols,
      protocols.length === 0 ? ['ssl_protocols is not set'] : [...new Set(old)],
      [...new Set(protocols)].join(', '),
    ),
    judge(
      rules.version,
      values('server_tokens').every((value) => value === 'off') && values('server_tokens').length > 0
        ? []
        : [`server_tokens ${values('server_tokens').join(', ') || 'unset'}`],
      'server_tokens off',
    ),
    judge(
      rules.listing,
      values('autoindex').filter((value) => value !== 'off'),
      'no autoindex',
    ),
    judge(rules.workers, rooted, `user ${user}`),
  ];
}
