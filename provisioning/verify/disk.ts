import { statfs } from 'node:fs/promises';
import type { Check, Finding } from './finding.ts';
import { advise, judge } from './finding.ts';

const fix = 'berth backup list, sudo journalctl --vacuum-size=200M, sudo apt-get clean; or a larger disk';
const rule = (what: string, title: string) => ({ id: `disk.${what}`, title, fix, reference: 'Berth' });
const places = ['/', '/boot', '/srv', '/tmp', '/var', '/var/lib/postgresql', '/var/backups'];
/** Percent in use: worth a look, and too much. */
const bounds = { warn: 80, fail: 92 };

/** Room and inodes of each file system that Berth writes to. */
export const disk: Check = { id: 'disk', run };

async function run(): Promise<Finding[]> {
  const all = (await Promise.all(places.map(usage))).filter((one) => one !== null);
  return [
    finding(
      'space',
      'there is room on every disk',
      all.map(({ path, space }) => [path, space]),
    ),
    finding(
      'inodes',
      'there is room for more files',
      all.map(({ path, inodes }) => [path, inodes]),
    ),
  ];
}

function finding(what: string, title: string, used: [path: string, percent: number][]): Finding {
  const over = (bound: number) => used.filter(([, percent]) => percent >= bound).map(text);
  const most = used.reduce((one, other) => (other[1] > one[1] ? other : one), ['/', 0]);
  const full = over(bounds.fail);
  return full.length > 0
    ? judge(rule(what, title), full, '')
    : advise(rule(what, title), over(bounds.warn), `at most ${text(most)}`);
}

function text([path, percent]: [string, number]): string {
  return `${path} ${percent} % used`;
}

async function usage(path: string): Promise<{ path: string; space: number; inodes: number } | null> {
  const found = await statfs(path).catch(() => null);
  if (!found || found.blocks === 0) return null;
  const share = (free: number, all: number) => (all === 0 ? 0 : Math.round(100 * (1 - free / all)));
  // As df counts: what root alone may use is neither free nor in use.
  const usable = found.blocks - found.bfree + found.bavail;
  return { path, space: share(found.bavail, usable), inodes: share(found.ffree, found.files) };
}
