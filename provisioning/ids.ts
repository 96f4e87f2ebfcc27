import { randomBytes } from 'node:crypto';

/** A name of its own that sorts by time, e.g. `20260301120005-1f0c9a7e`. */
export function newRunId(): string {
  return `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}-${randomBytes(4).toString('hex')}`;
}
