import { accountOf } from './broker/address.ts';
import { alarms } from './broker/alarms.ts';
import { decodeEnvironment } from './environment.ts';
import { BerthError } from './errors.ts';
import type { Finished, Host } from './host.ts';
import { oneOff } from './one-off.ts';
import { parseQueue, type QueueView } from './queue-view.ts';
import { shellCommand } from './releases/procfile.ts';
import { readProcfile } from './releases/release.ts';
import { liveRelease, releasePath } from './releases/store.ts';

const withinSeconds = 60;

/**
 * What the live release says of its tasks, and what RabbitMQ complains of where they wait there.
 *
 * @throws BerthError `nothing_deployed`, `queue_missing`, `queue_failed`, `queue_unreadable`
 */
export async function queue({ app }: { app: string }, { host }: { host: Host }): Promise<QueueView> {
  const { number, command } = await requireQueue(host, app);
  const env = (await host.read(`${releasePath(app, number)}/env`)) ?? '';
  const [finished, complaints] = await Promise.all([
    ask(host, app, command, ['list', '--json']),
    accountOf(app, decodeEnvironment(env).QUEUE_URL) ? alarms(host) : [],
  ]);
  if (finished.code !== 0) throw failed(app, command, finished);
  const view = parseQueue(finished.stdout);
  return { ...view, warnings: [...view.warnings, ...complaints] };
}

export type QueueTaskInput = { app: string; action: 'retry' | 'drop'; id: number };

/** As the application has said and ended, well or not. */
export async function queueTask(
  { app, action, id }: QueueTaskInput,
  { host }: { host: Host },
): Promise<Finished> {
  const { command } = await requireQueue(host, app);
  return ask(host, app, command, [action, String(id)]);
}

async function requireQueue(host: Host, app: string): Promise<{ number: number; command: string }> {
  const live = await liveRelease(host, app);
  if (!live) throw new BerthError('nothing_deployed', `${app} has no release yet`, 'run: berth deploy');
  const { queue: command } = await readProcfile(host, app, live.slug);
  if (command !== undefined) return { number: live.number, command };
  throw new BerthError(
    'queue_missing',
    `the Procfile of v${live.number} of ${app} names no queue, so nobody can be asked for its tasks`,
    'add a line such as queue: node api/queue.ts to it, then deploy; an application without tasks needs none',
  );
}

function ask(host: Host, app: string, command: string, words: string[]): Promise<Finished> {
  const shell = ['/bin/sh', '-c', `${shellCommand(command)} "$@"`, 'queue', ...words];
  const argv = oneOff(app, shell, { terminal: false, withinSeconds });
  return host.run(argv, { timeoutMs: (withinSeconds + 30) * 1000 });
}

function failed(app: string, command: string, { code, stderr }: Finished): BerthError {
  const tail = stderr.trim().split('\n').slice(-12).join('\n');
  return new BerthError(
    'queue_failed',
    `${command} list --json of ${app} ended with exit code ${code}:\n${tail}`,
    'mend what it says: its database has to be there (berth status, berth logs)',
  );
}
