import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { type AccessEntry, accessText, parseAccess } from './access-line.ts';
import type { Event } from './events.ts';

/** A moment: so long ago by the machine's clock, or a time of day in its own time zone. */
export type Moment = { agoMs: number } | { at: string };

export type AccessQuery = {
  /** Each application with its prefix; empty: everything that nginx answered. */
  apps: { name: string; prefix: string }[];
  since: Moment | null;
  until: Moment | null;
  /** How many of the newest; null: all since `since`. */
  lines: number | null;
  release: string | null;
  /** A regular expression; without a capital letter in it, capitals do not matter. */
  grep: string | null;
  follow: boolean;
};

const directory = '/var/log/nginx';
const name = 'access.log';
const pollMs = 250;

type Keep = (line: string) => boolean;

/** Emits nginx's access log, the rotated files too as far as they are asked for, and with `follow` what comes. */
export async function accessLog(
  query: AccessQuery,
  { emit, gone }: { emit: (event: Event) => void; gone: Promise<void> },
): Promise<void> {
  const live = await open(`${directory}/${name}`).catch(() => null);
  const from = live ? (await live.stat()).size : 0;
  const keep = filterOf(query);
  const say = (line: string) => emit({ type: 'access', line });
  if (query.lines === null) await sayAll(await files(query), keep, from, say);
  else for (const line of await newest(await files(query), keep, from, query.lines)) say(line);
  if (query.follow) await follow(live, from, (line) => keep(line) && say(line), gone);
  await live?.close();
}

function filterOf({ apps, since, until, release, grep }: AccessQuery): Keep {
  const [from, to] = [momentMs(since, 0), momentMs(until, Number.POSITIVE_INFINITY)];
  const pattern = grep === null ? null : new RegExp(grep, grep === grep.toLowerCase() ? 'iu' : 'u');
  const mine = ({ app, path }: AccessEntry) =>
    apps.some(
      // What nginx answered itself names no application, but stands under its prefix.
      ({ name: each, prefix }) => (app === '' ? `${path}/`.startsWith(`${prefix}/`) : app === each),
    );
  return (line) => {
    const entry = parseAccess(line);
    if (entry === null || (apps.length > 0 && !mine(entry))) return false;
    const at = Date.parse(entry.at);
    // nginx writes whole seconds.
    if (at + 999 < from || at > to || (release !== null && entry.release !== release)) return false;
    return pattern === null || pattern.test(accessText(entry));
  };
}

function momentMs(moment: Moment | null, otherwise: number): number {
  if (moment === null) return otherwise;
  return 'agoMs' in moment ? Date.now() - moment.agoMs : new Date(moment.at.replace(' ', 'T')).getTime();
}

/** The log's files, newest first, without those that ended before `since`. */
async function files({ since }: AccessQuery): Promise<string[]> {
  const from = momentMs(since, 0);
  const age = (file: string) => Number(/\.(\d+)/.exec(file)?.[1] ?? 0);
  const names = (await readdir(directory)).filter((each) => /^access\.log(\.\d+(\.gz)?)?$/.test(each));
  const found = await Promise.all(
    names
      .sort((a, b) => age(a) - age(b))
      .map(async (each) => ({
        path: `${directory}/${each}`,
        changed: (await stat(`${directory}/${each}`)).mtimeMs,
      })),
  );
  return found.filter(({ changed }) => changed >= from).map(({ path }) => path);
}

async function sayAll(paths: string[], keep: Keep, end: number, say: (line: string) => void): Promise<void> {
  for (const path of paths.toReversed()) {
    for await (const line of linesOf(path, end)) {
      if (keep(line)) say(line);
      // A slow connection must not fill the memory.
      if (process.stdout.writableNeedDrain) await Promise.race([once(process.stdout, 'drain'), wait(1000)]);
    }
  }
}

async function newest(paths: string[], keep: Keep, end: number, count: number): Promise<string[]> {
  let found: string[] = [];
  for (const path of paths) {
    const here: string[] = [];
    for await (const line of linesOf(path, end)) {
      if (!keep(line)) continue;
      here.push(line);
      if (here.length > 2 * count) here.splice(0, here.length - count);
    }
    found = [...here, ...found].slice(-count);
    if (found.length === count) break;
  }
  return found;
}

/** The live file only as far as following does not begin: no line is said twice. */
async function* linesOf(path: string, end: number): AsyncGenerator<string> {
  const isLive = path.endsWith(name);
  if (isLive && end === 0) return;
  const raw = createReadStream(path, isLive ? { end: end - 1 } : {});
  const input = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

/** Says each line that is written from `from` on, over rotations, until nobody listens. */
async function follow(
  begun: FileHandle | null,
  from: number,
  say: (line: string) => void,
  gone: Promise<void>,
): Promise<void> {
  let open_ = begun;
  let offset = from;
  let partial = '';
  let over = false;
  void gone.then(() => {
    over = true;
  });
  const readOn = async () => {
    for (;;) {
      const read = await open_?.read(Buffer.alloc(65_536), 0, 65_536, offset);
      if (!read?.bytesRead) return;
      offset += read.bytesRead;
      const lines = (partial + read.buffer.toString('latin1', 0, read.bytesRead)).split('\n');
      partial = lines.pop() ?? '';
      // Split as bytes, since a character may lie across two reads.
      for (const line of lines) say(Buffer.from(line, 'latin1').toString());
    }
  };
  while (!over) {
    const now = await stat(`${directory}/${name}`).catch(() => null);
    await readOn();
    if (now && now.ino !== (await open_?.stat())?.ino) {
      if (open_ !== begun) await open_?.close();
      open_ = await open(`${directory}/${name}`);
      offset = 0;
      partial = '';
    } else await Promise.race([wait(pollMs), gone]);
  }
  if (open_ !== begun) await open_?.close();
}
