import type { Run } from './engine.ts';

export type VerbContext = Omit<Run, 'perform' | 'guard'> & {
  /** Resolved when the operator's side has closed its end. */
  gone: Promise<void>;
};
// biome-ignore lint/suspicious/noExplicitAny: what arrives is JSON that the operator's side has validated
export type Verb = (input: any, context: VerbContext) => Promise<unknown>;

/**
 * What the machine's side can be asked, each word with the shape of its input in its function, which is loaded when it is
 * asked for: Node takes half a millisecond for each file.
 */
export const verbs: Record<string, () => Promise<Verb>> = {
  plan: async () => (await import('./site-verbs.ts')).plan,
  apply: async () => (await import('./site-verbs.ts')).apply,
  confirm: async () => (await import('./converge.ts')).confirmApply,
  batchState: async () => (await import('./guard/batch.ts')).batchState,
  deploy: async () => (await import('./deploy.ts')).deploy,
  push: async () => (await import('./push/push.ts')).push,
  ready: async () => (await import('./ready.ts')).ready,
  missing: async () => (await import('./uploads.ts')).missingUploads,
  releases: async () => (await import('./releases/rollback.ts')).releases,
  restart: async () => (await import('./run-for.ts')).restart,
  rollback: async () => (await import('./releases/rollback.ts')).rollback,
  config: async () => (await import('./config.ts')).config,
  configuration: async () => (await import('./config.ts')).configuration,
  variable: async () => (await import('./config.ts')).variable,
  scale: async () => (await import('./scale.ts')).scale,
  formation: async () => (await import('./scale.ts')).formationView,
  ps: async () => (await import('./ps.ts')).ps,
  queue: async () => (await import('./queue.ts')).queue,
  queueTask: async () => (await import('./queue.ts')).queueTask,
  settle: async () => (await import('./releases/settle.ts')).settleAll,
  attach: async () => (await import('./runs.ts')).attach,
  holder: async () => (await import('./runs.ts')).holder,
  unlock: async () => (await import('./unlock.ts')).unlock,
  removal: async () => (await import('./removal.ts')).previewRemoval,
  remove: async () => (await import('./site-verbs.ts')).remove,
  forget: async () => (await import('./site-verbs.ts')).forget,
  history: async () => (await import('./history.ts')).history,
  drift: async () => (await import('./drift.ts')).drift,
  status: async () => (await import('./status.ts')).status,
  verify: async () => (await import('./verify.ts')).verify,
  accessLog: async () => (await import('./access-log.ts')).accessLog,
  maintenance: async () => (await import('./maintenance.ts')).maintenance,
  maintenanceStatus: async () => {
    const { readMaintenance } = await import('./maintenance.ts');
    return ({ app }, { host }) => readMaintenance(host, app);
  },
  boot: async () => (await import('./boot.ts')).boot,
  failed: async () => (await import('./notify.ts')).failed,
  deliver: async () => (await import('./notify.ts')).deliver,
  webhook: async () => (await import('./notify.ts')).webhook,
  setWebhook: async () => (await import('./notify.ts')).setWebhook,
  testWebhook: async () => (await import('./notify.ts')).testWebhook,
  backup: async () => (await import('./backups/backup.ts')).backup,
  backups: async () => (await import('./backups/catalog.ts')).backups,
  showBackup: async () => (await import('./backups/catalog.ts')).showBackup,
  restore: async () => (await import('./backups/restore.ts')).restore,
  drill: async () => (await import('./backups/drill.ts')).drill,
  setRestic: async () => (await import('./backups/restic.ts')).setRestic,
  recordUpdates: async () => (await import('./updates.ts')).recordUpdates,
  renewCertificate: async () => (await import('./tls/renew.ts')).renewCertificate,
  installCertificate: async () => (await import('./site-verbs.ts')).installCertificate,
  certificate: async () => (await import('./site-verbs.ts')).certificate,
};

/** What an older command line may ask still: it only shows, or ends a run. */
export const showing = new Set([
  ...['releases', 'attach', 'holder', 'unlock', 'history', 'status', 'drift', 'webhook'],
  ...['accessLog', 'maintenanceStatus', 'batchState'],
  ...['backups', 'showBackup'],
  ...['configuration', 'variable', 'formation', 'ps', 'queue'],
]);

/** What a verb was given, for the history: never a value of a variable. */
export async function inShort(verb: string, input: unknown): Promise<string> {
  return (await words[verb]?.(input)) ?? '';
}

// biome-ignore lint/suspicious/noExplicitAny: as above
const words: Record<string, (input: any) => string | Promise<string>> = {
  deploy: ({ commit }) => String(commit),
  push: ({ commit }) => String(commit),
  rollback: ({ to }) => (to === null ? '' : `v${to}`),
  maintenance: ({ on }) => (on ? 'on' : 'off'),
  restore: ({ id }) => String(id),
  certificate: () => 'renew',
  config: async (input) => (await import('./config.ts')).configInShort(input),
  scale: async (input) => (await import('./scale.ts')).scaleInShort(input),
};
