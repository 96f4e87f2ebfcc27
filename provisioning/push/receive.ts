import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { DeployResult } from '../deploy.ts';
import { BerthError } from '../errors.ts';
import type { ErrorView, Event } from '../events.ts';
import { createHost, type Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import { localRun } from '../local-run.ts';
import { holder } from '../runs.ts';
import type { Settings } from '../settings.ts';
import { requireDisk } from './disk.ts';
import { type PushHeader, readHeader } from './header.ts';
import { print, printError, printFailure } from './print.ts';
import type { PushInput } from './push.ts';
import { pusher } from './pusher.ts';

// Started by the hook with sudo: takes what was pushed from standard input, starts the run, and shows the pusher what
// it says. The run is a unit of its own and goes on to its end, whatever becomes of this process.
const buildDirectory = '/var/lib/berth/build';
const maxBytes = 1024 ** 3;
const checkBytes = 32 * 1024 ** 2;
const dayMs = 86_400_000;

// Not the pusher's own: the sandbox reads what is written here.
process.umask(0o022);
let pusherGone = () => {};
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => pusherGone());
try {
  process.exitCode = await main();
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
} finally {
  process.stdin.destroy();
}

async function main(): Promise<number> {
  const { header, rest } = await readHeader(process.stdin);
  const host = createHost();
  const settings = await readKeptSettings(host);
  requireOpen(settings, header);
  await refuseBesideAnother(host);
  const by = await pusher(host, settings.admin, header.connection);
  const directory = await keep(header, rest);
  const { app, commit } = header;
  const outcome = await run({ app, commit, by, directory }, header.connection);
  if (outcome === null) {
    await rm(directory, { recursive: true, force: true });
    await refuseBesideAnother(host);
    throw died();
  }
  if (outcome.ok) {
    const { release, changed } = outcome.value as DeployResult;
    print(`${app} v${release} is live${changed ? '' : ' already'}: ${urlOf(settings)}`);
    return 0;
  }
  printError({ ...outcome.error, message: withoutOutput(outcome.error) });
  return 1;
}

function requireOpen({ apps }: Settings, { app, branch }: PushHeader): void {
  const found = apps[app];
  if (found?.push === branch) return;
  throw new BerthError(
    'push_refused',
    found === undefined
      ? `the machine runs no application ${app} any more`
      : `${app} does not take pushes to ${branch} (apps.${app}.push: ${found.push})`,
    'run berth deploy on your computer, or change the setting and run: berth apply',
  );
}

async function refuseBesideAnother(host: Host): Promise<void> {
  host.forget();
  const other = await holder(undefined, { host });
  if (!other) return;
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(other.since)) / 1000));
  throw new BerthError(
    'locked',
    `the machine is held by the ${other.verb} that ${other.by} began ${seconds} s ago`,
    'wait until it is done, then push again',
  );
}

/** Writes down what was pushed, where the sandbox is shown it and nobody else. */
async function keep({ manifests }: PushHeader, archive: AsyncIterable<Buffer>): Promise<string> {
  await mkdir(buildDirectory, { recursive: true, mode: 0o700 });
  await clearAbandoned();
  await requireDisk();
  const directory = await mkdtemp(join(buildDirectory, 'push-'));
  try {
    await writeFile(join(directory, 'manifests.json'), JSON.stringify(manifests), { mode: 0o644 });
    const limited = async function* limit(chunks: AsyncIterable<Buffer>) {
      let bytes = 0;
      let checked = 0;
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge();
        if (bytes - checked > checkBytes) {
          await requireDisk();
          checked = bytes;
        }
        yield chunk;
      }
    };
    await pipeline(archive, limited, createWriteStream(join(directory, 'source.tar'), { mode: 0o644 }));
    // mkdtemp makes it for root alone; above it, nobody else gets this far.
    await chmod(directory, 0o755);
    return directory;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function clearAbandoned(): Promise<void> {
  for (const name of await readdir(buildDirectory)) {
    const path = join(buildDirectory, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > dayMs) await rm(path, { recursive: true, force: true });
  }
}

/** The run's result; null: none, since another run holds the machine or this one was killed. */
async function run(input: PushInput, connection: string): Promise<Extract<Event, { type: 'result' }> | null> {
  const [from = ''] = connection.split(' ');
  const origin = { BERTH_USER: process.env.SUDO_USER ?? '', BERTH_FROM: from };
  const { argv, request } = localRun({ verb: 'push', input, by: input.by }, origin);
  const [first = '', ...args] = argv;
  const child = spawn(first, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {});
  child.stdin.write(request);
  // The end of its input tells the run that nobody listens any more.
  pusherGone = () => child.stdin.end();
  let outcome: Extract<Event, { type: 'result' }> | null = null;
  let shown = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as Event;
    if (event.type === 'result') outcome = event;
    if (event.type === 'output') print(`  ${event.text}`);
    // Said again and again while it waits for something.
    if (event.type === 'progress' && event.text !== shown) print(event.text);
    shown = event.type === 'progress' ? event.text : shown;
  }
  child.stdin.end();
  return outcome;
}

/** The last lines of a build end its message, and the pusher has just seen them. */
function withoutOutput({ code, message }: ErrorView): string {
  if (!['build_failed', 'packages_unavailable'].includes(code)) return message;
  return message.split('\n', 1)[0]?.replace(/:$/, '') ?? message;
}

function urlOf({ tls, nginx }: Settings): string {
  const port = nginx.publicHttpsPort === 443 ? '' : `:${nginx.publicHttpsPort}`;
  return `https://${tls.names[0]}${port}`;
}

function tooLarge(): BerthError {
  return new BerthError(
    'push_refused',
    `the application is larger than ${maxBytes / 1024 ** 2} MiB`,
    'mark what it does not need as export-ignore in .gitattributes',
  );
}

function died(): BerthError {
  return new BerthError(
    'run_died',
    'the run on the machine ended without a result: it was killed, or the machine was switched off',
    'push again: it goes on from where that one stopped',
  );
}
