import type { CertificateStatus } from '../provisioning/tls/status.ts';
import { instant } from './table.ts';

/** `Let's Encrypt, until 2027-02-01 12:00:05`, and what went wrong. */
export function certificateText(certificate: CertificateStatus | null, now: number): string {
  if (!certificate) return '-';
  const { issuer, until, standIn, failure } = certificate;
  const ended = Date.parse(until) < now;
  const what = standIn ? "a stand-in of the machine's own, which no browser trusts" : issuer;
  const next = failure && `${failure.reason}; asked again after ${instant(failure.next)}`;
  return `${what}, ${ended ? 'ended' : 'until'} ${instant(until)}${next ? `; none newer: ${next}` : ''}`;
}

/** Whether visitors are warned off, or will be unless somebody does something. */
export function isSound(certificate: CertificateStatus | null, now: number): boolean {
  if (!certificate) return true;
  const { standIn, failure, until } = certificate;
  return !standIn && failure === null && Date.parse(until) > now;
}
