import type { Run } from './engine.ts';

export type VerbContext = Omit<Run, 'perform' | 'guard'> & {
  /** Resolved when the operator's side has closed its end. */
  gone: Promise<void>;
};
// biome-ignore lint/suspicious/noExplicitAny: what arrives is JSON that the operator's side has validated
type Verb = (input: any, context: VerbContext) => Promise<unknown>;

/**
 * What the machine's side can be asked, each word with the shape of its input in its function. A verb's code is loaded when
 * it is asked for, and all of it before its work begins, which may take the code away: Node takes half a millisecond for
 * each file.
 */
export const verbs: Record<string, Verb> = {
  plan: async (...asked) => (await import('./site-verbs.ts')).plan(...asked),
  apply: async (...asked) => (await import('./site-verbs.ts')).apply(...asked),
  confirm: async (...asked) => (await import('./converge.ts')).confirmApply(...asked),
  batchState: async (...asked) => (await import('./guard/batch.ts')).batchState(...asked),
  deploy: async (...asked) => (await import('./deploy.ts')).deploy(...asked),
  push: async (...asked) => (await import('./push/push.ts')).push(...asked),
  ready: async (...asked) => (await import('./ready.ts')).ready(...asked),
  missing: async (...asked) => (await import('./uploads.ts')).missingUploads(...asked),
  releases: async (...asked) => (await import('./releases/rollback.ts')).releases(...asked),
  restart: async (...asked) => (await import('./run-for.ts')).restart(...asked),
  rollback: async (...asked) => (await import('./releases/rollback.ts')).rollback(...asked),
  config: async (...asked) => (await import('./config.ts')).config(...asked),
  configuration: async (...asked) => (await import('./config.ts')).configuration(...asked),
  variable: async (...asked) => (await import('./config.ts')).variable(...asked),
  scale: async (...asked) => (await import('./scale.ts')).scale(...asked),
  formation: async (...asked) => (await import('./scale.ts')).formationView(...asked),
  ps: async (...asked) => (await import('./ps.ts')).ps(...asked),
  queue: async (...asked) => (await import('./queue.ts')).queue(...asked),
  queueTask: async (...asked) => (await import('./queue.ts')).queueTask(...asked),
  settle: async (...asked) => (await import('./releases/settle.ts')).settleAll(...asked),
  attach: async (...asked) => (await import('./runs.ts')).attach(...asked),
  holder: async (...asked) => (await import('./runs.ts')).holder(...asked),
  unlock: async (...asked) => (await import('./unlock.ts')).unlock(...asked),
  removal: async (...asked) => (await import('./removal.ts')).previewRemoval(...asked),
  remove: async (...asked) => (await import('./site-verbs.ts')).remove(...asked),
  forget: async (...asked) => (await import('./site-verbs.ts')).forget(...asked),
  history: async (...asked) => (await import('./history.ts')).history(...asked),
  drift: async (...asked) => (await import('./drift.ts')).drift(...asked),
  status: async (...asked) => (await import('./status.ts')).status(...asked),
  verify: async (...asked) => (await import('./verify.ts')).verify(...asked),
  accessLog: async (...asked) => (await import('./access-log.ts')).accessLog(...asked),
  maintenance: async (...asked) => (await import('./maintenance.ts')).maintenance(...asked),
  maintenanceStatus: async ({ app }, { host }) =>
    (await import('./maintenance.ts')).readMaintenance(host, app),
  boot: async (...asked) => (await import('./boot.ts')).boot(...asked),
  failed: async (...asked) => (await import('./notify.ts')).failed(...asked),
  deliver: async (...asked) => (await import('./notify.ts')).deliver(...asked),
  webhook: async (...asked) => (await import('./notify.ts')).webhook(...asked),
  setWebhook: async (...asked) => (await import('./notify.ts')).setWebhook(...asked),
  testWebhook: async (...asked) => (await import('./notify.ts')).testWebhook(...asked),
  backup: async (...asked) => (await import('./backups/backup.ts')).backup(...asked),
  backups: async (...asked) => (await import('./backups/catalog.ts')).backups(...asked),
  showBackup: async (...asked) => (await import('./backups/catalog.ts')).showBackup(...asked),
  restore: async (...asked) => (await import('./backups/restore.ts')).restore(...asked),
  drill: async (...asked) => (await import('./backups/drill.ts')).drill(...asked),
  setRestic: async (...asked) => (await import('./backups/restic.ts')).setRestic(...asked),
  recordUpdates: async (...asked) => (await import('./updates.ts')).recordUpdates(...asked),
  renewCertificate: async (...asked) => (await import('./tls/renew.ts')).renewCertificate(...asked),
  installCertificate: async (...asked) => (await import('./site-verbs.ts')).installCertificate(...asked),
  certificate: async (...asked) => (await import('./site-verbs.ts')).certificate(...asked),
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
