import type { Host } from '../host.ts';
import { isLocal, load } from '../resources/certificate.ts';
import type { Settings, TlsSettings } from '../settings.ts';
import { serverPath } from './files.ts';
import { issuerOf } from './installed.ts';
import { isAbout, readRecord } from './record.ts';

/** What nginx has to serve with. */
export type CertificateStatus = {
  kind: TlsSettings['kind'];
  issuer: string;
  /** ISO 8601, UTC. */
  until: string;
  /** The machine's own authority vouches for it until there is one of the ACME authority. */
  standIn: boolean;
  /** Why there is no newer one, and when it is asked for again; null: nothing went wrong. */
  failure: { reason: string; next: string } | null;
};

/** null: before the first apply. */
export async function certificateStatus(host: Host, { tls }: Settings): Promise<CertificateStatus | null> {
  const [server, record] = await Promise.all([
    load(host, serverPath),
    tls.kind === 'letsencrypt' ? readRecord(host) : null,
  ]);
  if (!server) return null;
  const failure = (tls.kind === 'letsencrypt' && isAbout(record, tls) && record.failure) || null;
  return {
    kind: tls.kind,
    issuer: issuerOf(server),
    until: new Date(server.certificate.validTo).toISOString(),
    standIn: tls.kind === 'letsencrypt' && isLocal(server),
    failure: failure && { reason: failure.reason, next: failure.next },
  };
}
