import { randomBytes } from 'node:crypto';

/**
 * Keys are `<id>:<secret>[,<id>:<secret>…]`: the first signs, all verify. An id is when its key was made, in UTC
 * (`2026-11-21T09.47.18Z`): soon afterwards the key behind it signs no more.
 */
export function makeKey(at = new Date()): string {
  return `${at.toISOString().slice(0, 19).replaceAll(':', '.')}Z:${makeRandom()}`;
}

/** 256 random bits. */
export function makeRandom(): string {
  return randomBytes(32).toString('base64url');
}

export function holdsKeys(text: string): boolean {
  return text.split(',').every((key) => /^[\w.-]+:[^,]+$/.test(key));
}

/** With one more at the end, which verifies and does not sign. One that waits there since a rotation broke off never did. */
export function withNext(keys: string, made: string): string {
  const [first = '', ...others] = keys.split(',');
  const used = others.filter((key) => !(madeAt(key) > madeAt(first)));
  return [first, ...used, made].join(',');
}

/** The last one signs from now on. Of the others go those that were replaced more than `keepMs` ago. */
export function withNextFirst(keys: string, { now, keepMs }: { now: number; keepMs: number }): string {
  const all = keys.split(',');
  const ordered = [all.at(-1) as string, ...all.slice(0, -1)];
  const outdated = ordered.findIndex((_, index) => index > 0 && madeAt(ordered[index - 1]) + keepMs <= now);
  return ordered.slice(0, outdated === -1 ? undefined : outdated).join(',');
}

/** What may be shown of keys. */
export function idsOf(keys: string): string[] {
  return keys.split(',').map(idOf);
}

function idOf(key = ''): string {
  return key.slice(0, key.indexOf(':'));
}

/** NaN, with which no comparison holds, for an id that somebody else has chosen. */
function madeAt(key: string | undefined): number {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)T(\d\d\.\d\d\.\d\d)Z$/.exec(idOf(key)) ?? [];
  return Date.parse(`${date}T${time?.replaceAll('.', ':')}Z`);
}
