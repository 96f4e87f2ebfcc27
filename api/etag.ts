import { hash } from 'node:crypto';
import { ApiError } from './errors.ts';

/** `"<version>.<digest>"`: the version is the row's, the digest is of everything that is shown. */
export function entityTag(version: number, body: string): string {
  return `"${version}.${hash('sha256', body, 'base64url').slice(0, 16)}"`;
}

/**
 * Throws a 412 unless an `If-Match` names the version, and returns whether it asked for one. The digest does not count: a
 * vote by someone else changes what is shown and is no conflict. A proxy that compresses makes tags weak, so weak ones count.
 */
export function checkIfMatch(ifMatch: string, version: number): boolean {
  const tags = list(ifMatch);
  if (ifMatch === '' || tags.includes('*')) return false;
  if (tags.some((tag) => VERSION.exec(tag)?.[1] === String(version))) return true;
  throw changed();
}

/**
 * Whether an `If-None-Match` names what would be answered. Koa's `ctx.fresh` says no to `Cache-Control: no-cache`, which
 * every `fetch` adds to such a request and which speaks to caches, not to us: RFC 9110, 13.1.2.
 */
export function isUnchanged(ifNoneMatch: string, etag: string): boolean {
  return list(ifNoneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
}

/** 412: someone else was faster. */
export function changed(): ApiError {
  return new ApiError(412, 'changed', 'The resource has changed since; read it again');
}

const VERSION = /^(?:W\/)?"(\d+)\.[\w-]*"$/;

function list(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}
