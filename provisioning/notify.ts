import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { BerthError, messageOf } from './errors.ts';
import type { Event } from './events.ts';
import type { Host } from './host.ts';
import { readKeptSettings } from './kept-settings.ts';

/**
 * What is posted to `notify.webhook`, as JSON. `text` alone is what chat services show. Nothing that a program or
 * the application said is in it, since that may hold a secret: `code` names the failure, `berth history` tells more.
 */
export type Message = {
  event: 'deploy' | 'rollback' | 'taken_back' | 'unit_failed' | 'test';
  ok: boolean;
  host: string;
  text: string;
  /** ISO 8601, UTC. */
  at: string;
  app?: string;
  release?: string;
  commit?: string;
  by?: string;
  /** A code of Berth's errors. */
  code?: string;
  unit?: string;
};

/** How a run that changes the machine has ended. */
export type RunEnd = {
  verb: string;
  by: string;
  /** What the run was asked; of a release: its application and commit. */
  input: { app?: string; commit?: string } | null;
  outcome: { ok: true; value: unknown } | { ok: false; code: string };
};

/** Where the webhook is, without what may be secret in it. */
export type WebhookView = { kept: 'hosts file' | 'machine' | null; host: string | null };

const secretPath = '/etc/berth/webhook';
const spool = '/var/lib/berth/notify';
const rootOnly = { mode: 0o600, owner: 'root', group: 'root' };
/** More than this many wait only where nobody answers for long: the oldest give way. */
const most = 100;
const retryAfterMs = [0, 2000, 10_000, 60_000, 300_000];
const timeoutMs = 10_000;
const giveUpAfterMs = 10 * 60_000;

/** Leaves a message about a run for berth-notify.service, where the run is worth one. Never fails, and never waits. */
export async function announceRun(host: Host, run: RunEnd): Promise<void> {
  const message = messageAbout(run);
  if (message) await leave(host, message).catch(() => {});
}

/** Pure, and null for what nobody waits to hear of. */
export function messageAbout({ verb, by, input, outcome }: RunEnd): Omit<Message, 'host' | 'at'> | null {
  const { app = '', commit } = input ?? {};
  const about = { app, by, ...(commit ? { commit } : {}) };
  if (!outcome.ok && outcome.code === 'release_worse') {
    const which = app === '' ? 'a new release' : `the new release of ${app}`;
    const text = `${which} did worse than the one before and was taken back`;
    return { event: 'taken_back', ok: false, ...about, code: outcome.code, text };
  }
  if (verb !== 'deploy' && verb !== 'push' && verb !== 'rollback') return null;
  const event = verb === 'push' ? 'deploy' : verb;
  if (!outcome.ok) {
    const text = `a ${verb} of ${app} by ${by} failed (${outcome.code})`;
    return { event, ok: false, ...about, code: outcome.code, text };
  }
  const { release: number, changed } = outcome.value as { release: number; changed?: boolean };
  if (changed === false) return null;
  const release = `v${number}`;
  const what = event === 'deploy' ? `is live${commit ? ` (${commit})` : ''}` : 'is live again';
  return { event, ok: true, ...about, release, text: `${app} ${release} ${what}, by ${by}` };
}

/** What `OnFailure=berth-failed@%n.service` asks: a unit of a timer has failed. */
export async function failed({ unit }: { unit: string }, { host }: { host: Host }): Promise<void> {
  await leave(host, { event: 'unit_failed', ok: false, unit, text: `${unit} failed` });
}

async function leave(host: Host, message: Omit<Message, 'host' | 'at'>): Promise<boolean> {
  const { name } = await readKeptSettings(host);
  if ((await target(host)) === null) return false;
  const at = new Date().toISOString();
  const whole: Message = { ...message, host: name, at, text: `${name}: ${message.text}` };
  const waiting = await waitingNames(host);
  for (const old of waiting.slice(0, Math.max(0, waiting.length + 1 - most)))
    await host.remove(`${spool}/${old}`);
  const path = `${spool}/${at.replace(/\D/g, '')}-${randomBytes(4).toString('hex')}.json`;
  await host.write(path, `${JSON.stringify(whole)}\n`, rootOnly);
  return true;
}

/** Posts what waits, oldest first, again with growing pauses where it fails; gives up on what is ten minutes old. */
export async function deliver(_input: unknown, { host }: { host: Host }): Promise<{ delivered: number }> {
  let delivered = 0;
  for (const pauseMs of retryAfterMs) {
    await wait(pauseMs);
    for (const name of await waitingNames(host)) delivered += (await postOne(host, name)) ? 1 : 0;
    if ((await waitingNames(host)).length === 0) break;
  }
  for (const name of await waitingNames(host)) {
    const at = timeOf(await host.read(`${spool}/${name}`));
    if (at > Date.now() - giveUpAfterMs) continue;
    console.error(`gave up on the message ${name}`);
    await host.remove(`${spool}/${name}`);
  }
  return { delivered };
}

/** NaN for what is no message: it would be tried for ever. */
function timeOf(text: string | null): number {
  try {
    return Date.parse((JSON.parse(text ?? '') as Partial<Message>).at ?? '');
  } catch {
    return Number.NaN;
  }
}

/** Posts one message and takes it away unless another try may help; true: it was taken. */
async function postOne(host: Host, name: string): Promise<boolean> {
  const path = `${spool}/${name}`;
  const [url, body] = await Promise.all([target(host), host.read(path)]);
  const said = url === null || body === null ? 'nowhere' : await post(url, body);
  if (said !== null && said !== 'nowhere') console.error(`the webhook was not reached: ${said.why}`);
  if (said === null || said === 'nowhere' || said.final) await host.remove(path);
  return said === null;
}

/** null: it was taken. */
async function post(url: string, body: string): Promise<{ final: boolean; why: string } | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'berth' },
      // Another address is not the one that was trusted with it.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body?.cancel();
    if (answer.ok) return null;
    return {
      final: answer.status < 500 && ![408, 425, 429].includes(answer.status),
      why: `it answered ${answer.status}`,
    };
  } catch (error) {
    // The URL is not said: it may hold a token.
    return { final: false, why: causeOf(error) };
  }
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error
    ? ((cause as NodeJS.ErrnoException).code ?? cause.name)
    : (error as Error).name;
}

async function waitingNames(host: Host): Promise<string[]> {
  // All that berth-notify.path waits for: what stayed would start this again and again.
  return (await host.list(spool)).filter((name) => /^[^.].*\.json$/.test(name)).sort();
}

/** The one that the machine alone knows wins over the hosts file's. */
async function target(host: Host): Promise<string | null> {
  const secret = (await host.read(secretPath))?.trim();
  return secret || (await readKeptSettings(host)).notify.webhook.url;
}

/** Keeps a webhook's URL on the machine alone, or forgets it. */
export async function setWebhook(
  { url }: { url: string | null },
  { host }: { host: Host },
): Promise<WebhookView> {
  if (url === null) await host.remove(secretPath);
  else await host.write(secretPath, `${url}\n`, rootOnly);
  return webhook(null, { host });
}

export async function webhook(_input: unknown, { host }: { host: Host }): Promise<WebhookView> {
  const url = await target(host);
  if (url === null) return { kept: null, host: null };
  return { kept: (await host.stat(secretPath)) ? 'machine' : 'hosts file', host: new URL(url).host };
}

/**
 * Posts a test message at once.
 *
 * @throws BerthError `webhook_missing`, `webhook_refused`
 */
export async function testWebhook(
  { by }: { by: string },
  { host, emit }: { host: Host; emit: (event: Event) => void },
): Promise<{ host: string }> {
  const url = await target(host);
  const { name } = await readKeptSettings(host);
  if (url === null) {
    throw new BerthError(
      'webhook_missing',
      `${name} has no webhook`,
      'set notify.webhook.url in the hosts file and run berth apply, or run: berth notify set',
    );
  }
  const receiver = new URL(url).host;
  emit({ type: 'progress', text: `posts to ${receiver}` });
  const at = new Date().toISOString();
  const text = `${name}: a test, asked for by ${by}`;
  const message: Message = { event: 'test', ok: true, host: name, at, by, text };
  const said = await post(url, `${JSON.stringify(message)}\n`).catch((error) => ({ why: messageOf(error) }));
  if (said === null) return { host: receiver };
  throw new BerthError('webhook_refused', `${receiver} did not take a message: ${said.why}`, 'check its URL');
}
