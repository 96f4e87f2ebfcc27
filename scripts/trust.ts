import { getCACertificates } from 'node:tls';
import type { Settings } from '../provisioning/settings.ts';
import type { MachineStatus } from '../provisioning/status.ts';

/**
 * PEM of the authorities that this computer need not know and that vouch for a machine's certificate; null: there are
 * none, for browsers know who does, or before the first apply.
 */
export function privateAuthorities(
  { tls, extraCa }: Settings,
  { ca, certificate }: Pick<MachineStatus, 'ca' | 'certificate'>,
): string | null {
  if (ca === null || tls.kind === 'local') return ca;
  const own = tls.kind === 'letsencrypt' ? [tls.ca ?? ''] : extraCa;
  return [...(certificate?.standIn ? [ca] : []), ...own].join('') || null;
}

/** All whose word counts: of a machine with its own authority that one alone. */
export function trusted({ tls }: Settings, own: string | null): string[] {
  const known = tls.kind === 'local' ? [] : [...getCACertificates('default'), ...getCACertificates('system')];
  return [...(own === null ? [] : [own]), ...known];
}
