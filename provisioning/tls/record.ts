import type { Host } from '../host.ts';
import type { AcmeTls } from '../settings.ts';
import { secretFile } from './files.ts';

/** How issuing went so far, `/var/lib/berth/certificate.json`. Times are ISO 8601, UTC. */
export type IssueRecord = {
  /** What it was asked for, and where. */
  names: string[];
  directory: string;
  /** The directory that `issued.pem` is from; null: there is none yet. */
  issuedFrom: string | null;
  failure: IssueFailure | null;
  /** Somebody wants it now, due or not. */
  asked?: true;
};

export type IssueFailure = {
  at: string;
  /** How many times running. */
  count: number;
  reason: string;
  /** It is not tried again by itself before. */
  next: string;
};

const path = '/var/lib/berth/certificate.json';
const hourMs = 3_600_000;

/** null: nothing was asked for yet. */
export async function readRecord(host: Host): Promise<IssueRecord | null> {
  return JSON.parse((await host.read(path)) ?? 'null') as IssueRecord | null;
}

export function writeRecord(host: Host, record: IssueRecord): Promise<void> {
  return host.write(path, `${JSON.stringify(record)}\n`, secretFile);
}

/** Whether it is about these names and this authority. */
export function isAbout(record: IssueRecord | null, { names, directory }: AcmeTls): record is IssueRecord {
  return record?.directory === directory && sorted(record.names) === sorted(names);
}

/**
 * The next failure: tried again after 1 hour, then 2, 4, 8, 16 and 24 hours, or when the authority says. Let's Encrypt
 * takes 5 failed validations of a name in an hour (https://letsencrypt.org/docs/rate-limits/).
 */
export function failureAfter(
  before: IssueFailure | null,
  { reason, retryAfter }: { reason: string; retryAfter: Date | null },
  now: number,
): IssueFailure {
  const count = (before?.count ?? 0) + 1;
  const own = now + Math.min(24, 2 ** (count - 1)) * hourMs;
  const next = new Date(Math.max(own, retryAfter?.getTime() ?? 0));
  return { at: new Date(now).toISOString(), count, reason, next: next.toISOString() };
}

function sorted(names: string[]): string {
  return [...names].sort().join();
}
