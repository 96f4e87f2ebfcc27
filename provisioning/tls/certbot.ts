import type { AcmeTls } from '../settings.ts';
import { acme } from './files.ts';

const lineage = 'berth';

export const issuedFiles = ['privkey.pem', 'fullchain.pem'].map(
  (name) => `${acme.home}/config/live/${lineage}/${name}`,
);

/**
 * certbot(1) that asks for one certificate over HTTP. What it keeps is apart from /etc/letsencrypt, which is other
 * people's. `trial`: everything but the certificate itself is tried, at `server`.
 */
export function certbot(
  { names, email }: Pick<AcmeTls, 'names' | 'email'>,
  { server, trial }: { server: string; trial: boolean },
): string[] {
  const directories = ['config', 'work', 'logs'].map((name) => `--${name}-dir=${acme.home}/${name}`);
  return [
    ...['certbot', 'certonly', '--non-interactive', '--agree-tos', '--max-log-backups=10', ...directories],
    ...(email === null ? ['--register-unsafely-without-email'] : [`--email=${email}`, '--no-eff-email']),
    ...[`--server=${server}`, '--webroot', `--webroot-path=${acme.webroot}`],
    ...['--key-type=ecdsa', '--elliptic-curve=secp256r1'],
    ...[`--cert-name=${lineage}`, '--renew-with-new-domains', '--force-renewal', `--domains=${names}`],
    ...(trial ? ['--dry-run'] : []),
  ];
}

export type Refusal = { reason: string; retryAfter: Date | null };

/** Why certbot failed, from what it printed: the authority's own words where it gave any. */
export function refusalIn(said: string, now: number): Refusal {
  const domains = [...said.matchAll(/^\s*(?:Domain|Identifier): *(.+)$/gm)].map(([, name]) => name);
  const details = [
    ...said.matchAll(/^\s*Detail: (.+(?:\n(?!\s*(?:Domain|Identifier|Type|Detail|Hint):)\s*\S.*)*)/gm),
  ];
  // They quote what stands where the name leads to, which may be anybody's: no time is read from it.
  if (details.length > 0) {
    const validations = details.map(([, detail], at) => `${domains[at] ?? ''}: ${oneLine(detail ?? '')}`);
    return { reason: validations.join('; ').slice(0, 600), retryAfter: null };
  }
  const problem =
    /^.*(?:too many|rateLimited).*$/im.exec(said)?.[0] ??
    /^An unexpected error occurred:\n?(.+)$/m.exec(said)?.[1] ??
    said.split('\n').findLast((line) => line.trim() !== '' && !/log|community\.letsencrypt/i.test(line)) ??
    'certbot said nothing';
  return { reason: oneLine(problem).slice(0, 600), retryAfter: retryAfter(problem, now) };
}

/** Let's Encrypt's longest limit is that of a week. */
const longestMs = 8 * 86_400_000;

/** `retry after 2026-03-01 12:00:00 UTC` or `Retry-After: 3600`; null where the authority says nothing of the kind. */
function retryAfter(problem: string, now: number): Date | null {
  const [, at] = /retry after (\d{4}-\d\d-\d\d[T ][\d:]+)(?:Z| UTC)/i.exec(problem) ?? [];
  const [, seconds] = /retry[- ]after:? (\d+)/i.exec(problem) ?? [];
  const wait = at === undefined ? Number(seconds) * 1000 : Date.parse(`${at.replace(' ', 'T')}Z`) - now;
  return Number.isFinite(wait) ? new Date(now + Math.min(wait, longestMs)) : null;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
