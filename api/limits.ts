import { createHmac, hkdfSync } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from './config.ts';
import type { Db } from './db.ts';
import { ApiError } from './errors.ts';

/** Counted in PostgreSQL, so that the limits hold across processes and releases. Each throws a 429. */
export interface Limits {
  /** An attempt to prove who one is: an account's id, or what was given for its e-mail where there is none. */
  login(address: string, account: number | string): Promise<void>;
  registration(address: string): Promise<void>;
}

/** Attempts by account and by address; the table is made by a migration and swept here. */
export function createLimits(db: Db, { limits, jwtKeys }: Pick<Config, 'limits' | 'jwtKeys'>): Limits {
  const account = limiter(db, 'login_account', limits.loginAccount, 60);
  const address = limiter(db, 'login_address', limits.loginAddress, 60);
  const registration = limiter(db, 'registration_address', limits.registrationAddress, 3600, true);
  const fingerprint = fingerprints(jwtKeys[0]?.secret ?? '');
  return {
    async login(from, who) {
      await consume(address, fingerprint(networkOf(from)));
      // A name may be digits, too, and is nobody's id then.
      await consume(
        account,
        fingerprint(typeof who === 'number' ? `id ${who}` : `name ${who.toLowerCase()}`),
      );
    },
    registration: (from) => consume(registration, fingerprint(networkOf(from))),
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
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw tooManyRequests(Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
  }
}

/** 429: the next attempt counts after so many seconds. */
export function tooManyRequests(seconds: number): ApiError {
  return new ApiError(429, 'too_many_requests', `Too many attempts; try again in ${seconds} s`, {
    headers: { 'Retry-After': String(seconds) },
  });
}

/**
 * E-mails and addresses are personal, and clients choose their length: the table needs neither. Without a key, all
 * addresses of IPv4 are tried in a minute. The key is one of its own, as clients choose what is signed with it: a text that
 * is the beginning of a token would be stored with the signature that makes it one.
 */
function fingerprints(secret: string): (text: string) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'rate limits', 32));
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
}

/** Whoever has one address of IPv6 has the 2^64 that begin alike. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const { hostname } = new URL(`http://[${address.replace(/%.*/, '')}]`);
  const [before = '', after = ''] = hostname.slice(1, -1).split('::');
  const groups = [before, after].map((part) => (part === '' ? [] : part.split(':')));
  const [head = [], tail = []] = groups;
  const zeros = Array(8 - head.length - tail.length).fill('0');
  const all = [...head, ...zeros, ...tail];
  // One of IPv4, as a socket for both has it.
  return all.slice(0, 6).join() === '0,0,0,0,0,ffff' ? all.join(':') : all.slice(0, 4).join(':');
}
