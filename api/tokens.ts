import { createHash, randomBytes } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { JwtKey } from './config.ts';

/** HS256 and nothing else: a token does not choose how it is checked. */
export const ALGORITHM = 'HS256';

/** What an access token says: whose it is, and which password it was given for. */
export interface AccessClaims {
  sub: string;
  ver: number;
}

/** Signs an access token with the first key. */
export function signAccessToken(
  user: { id: number; token_version: number },
  keys: JwtKey[],
  expiresIn: number,
): string {
  const [{ kid, secret }] = keys as [JwtKey, ...JwtKey[]];
  const payload = { ver: user.token_version };
  return jwt.sign(payload, secret, { algorithm: ALGORITHM, keyid: kid, subject: String(user.id), expiresIn });
}

/** The secret that a token's header names; throws for one that no key of ours has. */
export function secretOf(kid: unknown, keys: JwtKey[]): string {
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new Error('The token names no key of this API');
  return key.secret;
}

/** A refresh token is `<session>.<secret>`: the session finds the row, the secret's digest is all that is stored. */
export function newRefreshSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 is enough for a secret of 256 random bits; bcrypt is for passwords. */
export function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
