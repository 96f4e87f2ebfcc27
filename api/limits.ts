import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { LimitConfig } from './config.ts';
import type { Db } from './db.ts';
import { ApiError } from './errors.ts';

/** Counted in PostgreSQL, so that the limits hold across processes and releases. Each throws a 429. */
export interface Limits {
  /** An attempt to prove who one is. */
  login(address: string, email: string): Promise<void>;
  registration(address: string): Promise<void>;
}

/** Attempts by account and by address; the table is made by a migration and swept here. */
export function createLimits(db: Db, config: LimitConfig): Limits {
  const account = limiter(db, 'login_account', config.loginAccount, 60);
  const address = limiter(db, 'login_address', config.loginAddress, 60);
  const registration = limiter(db, 'registration_address', config.registrationAddress, 3600, true);
  return {
    async login(from, email) {
      await consume(address, from);
      await consume(account, email.toLowerCase());
    },
    registration: (from) => consume(registration, from),
  };
}

function limiter(db: Db, keyPrefix: string, points: number, duration: number, sweeps = false) {
  return new RateLimiterPostgres({
    storeClient: db,
    storeType: 'knex',
    tableName: 'rate_limits',
    tableCreated: true,
    keyPrefix,
    points,
    duration,
    // All share one table, so one sweeper a process is enough: every 5 minutes, what expired an hour ago.
    clearExpiredByTimeout: sweeps,
    // Whoever is over the limit costs no further query in this process.
    inMemoryBlockOnConsumed: points + 1,
  });
}

async function consume(limiter: RateLimiterPostgres, key: string): Promise<void> {
  try {
    await limiter.consume(fingerprint(key));
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    throw new ApiError(429, 'too_many_requests', `Too many attempts; try again in ${seconds} s`, {
      headers: { 'Retry-After': String(seconds) },
    });
  }
}

/** E-mails and addresses are personal, and clients choose their length: the table needs neither. */
function fingerprint(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}
