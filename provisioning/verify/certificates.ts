import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TlsSettings } from '../settings.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge } from './finding.ts';

const day = 86_400_000;

/** Within 21 days; one that an ACME authority issues may live for a few days alone: within a quarter of its life. */
export function endsSoon(issuer: TlsSettings['kind'], from: string, to: string, now: number): boolean {
  const [left, life] = [Date.parse(to) - now, Date.parse(to) - Date.parse(from)];
  return left < Math.min(21 * day, issuer === 'letsencrypt' ? life / 4 : Number.POSITIVE_INFINITY);
}

const files = [
  ['server', '/etc/berth/tls/server.pem', 'the server’s certificate'],
  ['authority', '/etc/berth/tls/authority.pem', 'the authority’s certificate'],
] as const;

/** The certificates on the disk; what nginx really serves is looked at from outside. */
export const certificates: Check = { id: 'certificates', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const found = await Promise.all(
    files.map(async ([what, path, title]) => {
      const pem = await host.read(path);
      const rule = {
        id: `certificates.${what}`,
        title: `${title} does not end soon`,
        fix: 'berth apply renews it; where an authority issues it: berth certificate renew',
        reference: 'Mozilla Server Side TLS',
      };
      if (pem === null) return judge(rule, [`there is no ${path}`], '');
      const { validFrom, validTo } = new X509Certificate(pem);
      const now = Date.now();
      const early = Date.parse(validFrom) > now ? [`not valid before ${validFrom}`] : [];
      const issuer = what === 'server' ? settings.tls.kind : 'local';
      const late = endsSoon(issuer, validFrom, validTo, now) ? [`until ${validTo}`] : [];
      return judge(rule, [...early, ...late], `until ${validTo}`);
    }),
  );
  return [...found, await namesOf(settings.tls.names, await host.read('/etc/berth/tls/server.pem'))];
}

async function namesOf(wanted: string[], pem: string | null): Promise<Finding> {
  const rule = {
    id: 'certificates.names',
    title: 'the server’s certificate is for every name of the settings',
    fix: 'berth apply makes a new one',
    reference: 'RFC 9110 4.3.4',
  };
  const certificate = pem === null ? null : new X509Certificate(pem);
  const missing = wanted.filter(
    (name) => !(isIP(name) ? certificate?.checkIP(name) : certificate?.checkHost(name)),
  );
  return judge(rule, missing, wanted.join(', '));
}
