import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { JwtKey } from './config.ts';

/** Links that need no token, for a time. */
export interface Links {
  /** The path with what proves that it came from here, and until when it is good. */
  sign(path: string, seconds: number): string;
  /** Whether this path was signed, and its time has not passed. */
  verify(path: string, proof: Proof): boolean;
}

export interface Proof {
  /** In seconds since 1970. */
  expires: number;
  signature: string;
}

/** The first key signs, all verify: what a rotation leaves good is as good as the tokens. */
export function createLinks(jwtKeys: JwtKey[]): Links {
  const keys = jwtKeys.map(({ secret }) => Buffer.from(hkdfSync('sha256', secret, '', 'links', 32)));
  return {
    sign(path, seconds) {
      const expires = Math.floor(Date.now() / 1000) + seconds;
      const signature = signatureOf(keys[0] as Buffer, path, expires).toString('base64url');
      return `${path}?${new URLSearchParams({ expires: String(expires), signature })}`;
    },
    verify(path, { expires, signature }) {
      const given = Buffer.from(signature, 'base64url');
      const isSigned = keys.some((key) => {
        const expected = signatureOf(key, path, expires);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
      return isSigned && expires * 1000 > Date.now();
    },
  };
}

function signatureOf(key: Buffer, path: string, expires: number): Buffer {
  return createHmac('sha256', key).update(`${expires} ${path}`).digest();
}
