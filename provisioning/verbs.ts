import { accessLog } from './access-log.ts';
import { appOf } from './app-of.ts';
import { backup } from './backups/backup.ts';
import { backups, showBackup } from './backups/catalog.ts';
import { drill } from './backups/drill.ts';
import { setRestic } from './backups/restic.ts';
import { restore } from './backups/restore.ts';
import { boot } from './boot.ts';
import type { Change } from './change.ts';
import { config, configInShort, configuration, variable } from './config.ts';
import { applySite, confirmApply, planSite } from './converge.ts';
import { deploy } from './deploy.ts';
import { drift } from './drift.ts';
import { apply, type Run } from './engine.ts';
import { createGuard } from './guard/arm.ts';
import { batchState } from './guard/batch.ts';
import { history } from './history.ts';
import { readKeptSettings } from './kept-settings.ts';
import { maintenance, readMaintenance } from './maintenance.ts';
import { deliver, failed, setWebhook, testWebhook, webhook } from './notify.ts';
import { perform } from './perform.ts';
import { ps } from './ps.ts';
import { push } from './push/push.ts';
import { queue, queueTask } from './queue.ts';
import { ready } from './ready.ts';
import { startHealthy } from './releases/gate.ts';
import { renew } from './releases/renew.ts';
import { releases, rollback } from './releases/rollback.ts';
import { settle } from './releases/settle.ts';
import { appRoot } from './releases/store.ts';
import { forget, previewRemoval, remove, removedSettings } from './removal.ts';
import { attach, holder } from './runs.ts';
import { formationView, scale, scaleInShort } from './scale.ts';
import type { Settings } from './settings.ts';
import { status } from './status.ts';
import { installed } from './tls/installed.ts';
import { askAgain, renewCertificate } from './tls/renew.ts';
import { unlock } from './unlock.ts';
import { recordUpdates } from './updates.ts';
import { missingUploads } from './uploads.ts';
import { verify } from './verify.ts';

export type SiteRequest = { settings: Settings; code: string; runtime: string; web: string; by: string };
type Context = Omit<Run, 'perform' | 'guard'> & {
  /** Resolved when the operator's side has closed its end. */
  gone: Promise<void>;
};
// biome-ignore lint/suspicious/noExplicitAny: what arrives is JSON that the operator's side has validated
type Verb = (input: any, context: Context) => Promise<unknown>;

/** What the machine's side can be asked, each word with the shape of its input in its function. */
export const verbs: Record<string, Verb> = {
  plan: (input, context) => planSite(input, runFor(input, context)),
  apply: (input, context) => applySite(input, runFor(input, context)),
  confirm: confirmApply,
  batchState,
  deploy,
  push,
  ready,
  missing: missingUploads,
  releases,
  restart,
  rollback,
  config,
  configuration,
  variable,
  scale,
  formation: formationView,
  ps,
  queue,
  queueTask,
  settle: settleAll,
  attach,
  holder,
  unlock,
  removal: previewRemoval,
  remove: async (input, context) => remove(input, await removalRunFor(input, context)),
  forget: async (input, context) => forget(input, await removalRunFor(input, context)),
  history,
  drift,
  status,
  verify,
  accessLog,
  maintenance,
  maintenanceStatus: ({ app }: { app: string }, { host }) => readMaintenance(host, app),
  boot,
  failed,
  deliver,
  webhook,
  setWebhook,
  testWebhook,
  backup,
  backups,
  showBackup,
  restore,
  drill,
  setRestic,
  recordUpdates,
  renewCertificate,
  installCertificate: async (_input, context) => installCertificate(await keptRequest(context), context),
  certificate: (_input, context) => askForCertificate(context),
};

/** What an older command line may ask still: it only shows, or ends a run. */
export const showing = new Set([
  ...['releases', 'attach', 'holder', 'unlock', 'history', 'status', 'drift', 'webhook'],
  ...['accessLog', 'maintenanceStatus', 'batchState'],
  ...['backups', 'showBackup'],
  ...['configuration', 'variable', 'formation', 'ps', 'queue'],
]);

/** What a verb was given, for the history: never a value of a variable. */
export function inShort(verb: string, input: unknown): string {
  return words[verb]?.(input) ?? '';
}

// biome-ignore lint/suspicious/noExplicitAny: as above
const words: Record<string, (input: any) => string> = {
  deploy: ({ commit }) => String(commit),
  push: ({ commit }) => String(commit),
  rollback: ({ to }) => (to === null ? '' : `v${to}`),
  maintenance: ({ on }) => (on ? 'on' : 'off'),
  restore: ({ id }) => String(id),
  certificate: () => 'renew',
  config: configInShort,
  scale: scaleInShort,
};

function runFor(input: SiteRequest, context: Context): Run {
  const { host, emit } = context;
  const say = (text: string) => emit({ type: 'progress', text });
  const performer = {
    host,
    progress: say,
    release: (name: string, reason: string) => renewApp(input, name, reason, context),
    start: (name: string, number: number) =>
      startHealthy(host, appOf(input.settings, name), number, { say, stop: context.stop }),
  };
  const { admin, confirmWithinMs: withinMs } = input.settings;
  const guard = createGuard(host, { by: input.by, user: admin.user, withinMs });
  return { ...context, guard, perform: (change: Change) => perform(performer, change) };
}

async function keptRequest({ host }: Context): Promise<SiteRequest> {
  return { settings: await readKeptSettings(host), code: '', runtime: '', web: '', by: 'timer' };
}

async function installCertificate(input: SiteRequest, context: Context): Promise<void> {
  const { tls } = input.settings;
  if (tls.kind === 'letsencrypt') await apply(runFor(input, context), [installed(tls)]);
}

async function askForCertificate(context: Context): Promise<void> {
  await askAgain(context.host);
  await installCertificate(await keptRequest(context), context);
}

/** Whoever confirms a removal, and within what time, is as the machine was applied too. */
async function removalRunFor(input: SiteRequest, context: Context): Promise<Run> {
  const { settings } = await removedSettings(context.host, input);
  return runFor({ ...input, settings }, context);
}

/** Ends what a killed run has left of every application. */
async function settleAll({ settings }: { settings: Settings }, { host, emit, stop }: Context): Promise<void> {
  const say = (text: string) => emit({ type: 'progress', text });
  for (const app of Object.values(settings.apps)) {
    if (await host.stat(appRoot(app.name))) {
      await settle(host, app, { say, stop });
    }
  }
}

async function restart(input: SiteRequest & { app: string }, context: Context): Promise<{ release: number }> {
  const { number } = await renewApp(input, input.app, 'restart', context);
  return { release: number };
}

function renewApp(input: SiteRequest, name: string, reason: string, { host, emit, stop }: Context) {
  const { settings, runtime, by } = input;
  const say = (text: string) => emit({ type: 'progress', text });
  return renew(host, { settings, app: appOf(input.settings, name), runtime, by, reason }, { say, stop });
}
