import { isIP } from 'node:net';
import { isSystemName, isSystemUser, reservedVariable } from './reserved.ts';

/** Each takes one text of a hosts file and returns it, or throws a RangeError whose message is the reason. */

/** RFC 1123, lower case: labels of at most 63 characters, 253 in all. */
export function hostName(text: string): string {
  const labels = text.split('.');
  if (text.length > 253 || !labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) {
    throw new RangeError(
      'is not a host name: lower-case letters, digits and hyphens between dots (RFC 1123)',
    );
  }
  return text;
}

/** Linux takes 64 characters for its own name (hostname(7)). */
export function machineName(text: string): string {
  if (text.length > 64) throw new RangeError("is longer than the 64 characters of a machine's name");
  return hostName(text);
}

export function domain(text: string): string {
  if (isIP(text))
    throw new RangeError('is an address; the machine answers to its addresses without being told');
  return hostName(text);
}

export function hostOrAddress(text: string): string {
  return isIP(text) ? text : hostName(text.toLowerCase()) && text;
}

/** What ssh is given as its destination: an alias of the person's own configuration too. */
export function sshDestination(text: string): string {
  if (isIP(text) || /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(text)) return text;
  throw new RangeError('is neither a host name nor an address nor an alias of your ssh configuration');
}

/** POSIX portable, as Debian's useradd takes it, and no user that a system has already. */
export function userName(text: string): string {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(text)) {
    throw new RangeError(
      'is not a user name: a lower-case letter, then letters, digits, - and _, at most 32',
    );
  }
  if (isSystemUser(text)) throw new RangeError('is a user of the system; take another name, such as deploy');
  return text;
}

/** Who logs in first on a machine that exists: root too. */
export function loginName(text: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(text)) throw new RangeError('is not a user name');
  return text;
}

/** An application's name is its user, database, unit and directory. */
export function appName(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,20}$/.test(text)) {
    throw new RangeError(
      "is not an application's name: a lower-case letter, then letters, digits and hyphens, at most 21",
    );
  }
  if (isSystemName(text))
    throw new RangeError('is the name of a user, unit or directory of the system; take another');
  if (/-(release|workers|pm2)$/.test(text))
    throw new RangeError('ends like a unit that berth makes for another application');
  return text;
}

/** A process of the Procfile. */
export function processName(text: string): string {
  if (!/^[a-z][a-z0-9_-]{0,30}$/.test(text)) throw new RangeError('is not a process name of a Procfile');
  if (text === 'release') throw new RangeError('runs once in every deploy and has no number');
  if (text === 'queue') throw new RangeError('runs when berth queue asks it, and has no number');
  return text;
}

/** What a task does, as the application names it. */
export function taskKind(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/.test(text)) return text;
  throw new RangeError('is not a kind of task: a letter, then letters, digits, _ . : and -, at most 64');
}

export function variableName(text: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) {
    throw new RangeError("is not a variable's name: letters, digits and _, no digit first");
  }
  const reason = reservedVariable(text);
  if (reason) throw new RangeError(`is not yours to set: ${reason}`);
  return text;
}

export function variableValue(text: string): string {
  if (/[\n\r\0]/.test(text))
    throw new RangeError('holds a line break or a NUL, which an environment file cannot carry');
  if (/\p{Surrogate}/u.test(text)) throw new RangeError('is not valid Unicode');
  return text;
}

/** `/` or `/a/b`, without a slash at the end. */
export function pathPrefix(text: string): string {
  if (!/^\/$|^(\/[A-Za-z0-9._~-]+)+$/.test(text) || hasDots(text)) {
    throw new RangeError('is not a path such as / or /api, without a slash at its end');
  }
  return text;
}

/** A folder of the checkout, relative to it; `.` is the checkout itself. */
export function folder(text: string): string {
  return text === '.' ? text : relativeFolder(text);
}

/** A git branch, of the characters that need no quoting anywhere; `none` is none. */
export function branchName(text: string): string {
  const parts = text.split('/');
  const sound = parts.every((part) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(part) && !part.endsWith('.lock'));
  if (sound && text.length <= 100 && !text.includes('..') && !text.endsWith('.')) return text;
  throw new RangeError('is neither a git branch such as main nor none');
}

/** A folder that outlives releases, relative to the application. */
export function sharedFolder(text: string): string {
  if (text.split('/').includes('node_modules'))
    throw new RangeError('belongs to the dependencies, which come with each release');
  return relativeFolder(text);
}

function relativeFolder(text: string): string {
  if (/^([A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]+$/.test(text) && !hasDots(text)) return text;
  throw new RangeError(
    'is not a folder such as uploads or data/files: relative, without .., of letters, digits, . _ and -',
  );
}

export function urlPath(text: string): string {
  if (!/^\/[A-Za-z0-9._~!&'()*+,;=:@%/-]*$/.test(text) || hasDots(text)) {
    throw new RangeError('is not a path such as /api/readyz');
  }
  return text;
}

export function urlPathOrNone(text: string): string {
  return text === 'none' ? text : urlPath(text);
}

export function timeZone(text: string): string {
  const known = /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/.test(text) && isTimeZone(text);
  if (!known) throw new RangeError('is not an IANA time zone such as UTC or Europe/Berlin');
  return text;
}

/** A /24 of the private ranges (RFC 1918). */
export function privateNetwork(text: string): string {
  const [, address = '', last] = /^((?:\d{1,3}\.){3})(\d{1,3})\/24$/.exec(text) ?? [];
  if (last === undefined || !isIP(`${address}0`))
    throw new RangeError('is not a network such as 10.77.0.0/24');
  if (last !== '0') throw new RangeError(`is an address in a network; the network is ${address}0/24`);
  if (!/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address)) {
    throw new RangeError('is not private: take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16');
  }
  return text;
}

/** An address, or a network of either family whose address part is its first one. */
export function network(text: string): string {
  const [, address = '', bits] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits ?? 0) > (family === 6 ? 128 : 32))
    throw new RangeError('is neither an address nor a network such as 203.0.113.0/24 or 2001:db8::/32');
  const first = bits === undefined ? address : firstAddress(address, Number(bits));
  if (plain(first) !== plain(address))
    throw new RangeError(`is an address in a network; the network is ${first}/${bits}`);
  return text;
}

function firstAddress(address: string, bits: number): string {
  const six = isIP(address) === 6;
  const size = six ? 16 : 8;
  const groups = six ? hextets(address) : address.split('.').map(Number);
  const kept = groups.map((group, index) => {
    const rest = Math.min(size, Math.max(0, (index + 1) * size - bits));
    return (group >> rest) << rest;
  });
  return six ? plain(kept.map((group) => group.toString(16)).join(':')) : kept.join('.');
}

/** The eight numbers of an IPv6 address. */
function hextets(address: string): number[] {
  const [before = [], after] = plain(address)
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')));
  const zeros = after ? Array.from({ length: 8 - before.length - after.length }, () => '0') : [];
  return [...before, ...zeros, ...(after ?? [])].map((group) => Number.parseInt(group, 16));
}

/** An IPv6 address in its one shortest way. */
function plain(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

/** `8080/tcp`, or a range such as `60000-61000/udp`. */
export function openPort(text: string): string {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?\/(?:tcp|udp)$/.exec(text) ?? [];
  const first = Number(from ?? 0);
  const last = to === undefined ? first : Number(to);
  if (first < 1 || last > 65_535 || (to !== undefined && last <= first))
    throw new RangeError('is not a port such as 8080/tcp, 51820/udp or 60000-61000/udp');
  return text;
}

/** Where results are posted. Its errors never say the URL, which may hold a token. */
export function webhookUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new RangeError('is not a URL such as https://example.org/hook');
  }
  if (url.username || url.password)
    throw new RangeError('holds a password; put a token into its path instead');
  return text;
}

export function email(text: string): string {
  if (text.length > 254 || !/^[^\s@,;<>"']+@[^\s@,;<>"'.]+(\.[^\s@,;<>"'.]+)+$/.test(text)) {
    throw new RangeError('is not an e-mail address such as ops@example.org');
  }
  return text;
}

/** Where an ACME server begins (RFC 8555 7.1.1). */
export function directoryUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && !url.username && !url.password && /^[\x21-\x7e]+$/.test(text))
    return text;
  throw new RangeError('is not the URL of an ACME directory such as https://acme.example.org/directory');
}

/** A proxy of HTTP; its password would stand in a file that is committed. */
export function proxyUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.username || url?.password) throw new RangeError('holds a password, and this file is committed');
  if (url && /^https?:\/\/[\w.:[\]-]+\/?$/.test(text) && url.pathname === '/') return text.replace(/\/$/, '');
  throw new RangeError('is not a proxy such as http://proxy.example.org:3128');
}

export function timeOfDay(text: string): string {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) throw new RangeError('is not a time of day such as 03:30');
  return text;
}

/** `04:30`, or `off`. */
export function timeOfDayOrOff(text: string): string {
  if (text === 'off' || /^([01]\d|2[0-3]):[0-5]\d$/.test(text)) return text;
  throw new RangeError('is neither off nor a time of day such as 04:30');
}

/** `Sun 04:30`, or `off`. */
export function timeOfWeek(text: string): string {
  const [, day, time = ''] = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (.*)$/.exec(text) ?? [];
  if (text === 'off' || (day !== undefined && /^([01]\d|2[0-3]):[0-5]\d$/.test(time))) return text;
  throw new RangeError('is neither off nor a time of the week such as Sun 04:30');
}

/** What restic takes as a repository; a password in it would stand in a file that is committed. */
export function resticRepository(text: string): string {
  if (/\/\/[^/@]*:[^/@]*@/.test(text)) {
    throw new RangeError(
      'holds a password; leave it out and give RESTIC_REST_PASSWORD to berth backup restic',
    );
  }
  if (/^(sftp|s3|rest|b2|azure|gs|swift|rclone):[\x21-\x7e]+$/.test(text) || /^\/[\x20-\x7e]+$/.test(text))
    return text;
  throw new RangeError(
    'is neither an absolute path nor such as sftp:user@host:/path, s3:https://… or rest:https://…',
  );
}

function hasDots(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..');
}

function isTimeZone(text: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: text }));
  } catch {
    return false;
  }
}
