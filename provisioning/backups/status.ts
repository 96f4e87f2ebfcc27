import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';
import { lastDrill } from './drill.ts';
import { listBackups, sizeOf } from './store.ts';

export type BackupStatus = {
  /** The newest backup of everything; null: none yet. */
  newest: { id: string; startedAt: string; bytes: number } | null;
  count: number;
  /** What all of them take on the machine's disk, in bytes. */
  bytes: number;
  /** The last drill; null: none yet. */
  drill: { at: string; ok: boolean; id: string | null; seconds: number } | null;
  /** What a person should look at, a sentence each. */
  warnings: string[];
};

const hourMs = 3_600_000;
/** A night that was missed shows at once, a backup that only took long does not. */
const staleAfterMs = { backup: 30 * hourMs, drill: 8 * 24 * hourMs };

export async function backupStatus(host: Host, settings: Settings): Promise<BackupStatus> {
  const all = await listBackups(host);
  const whole = all.findLast(({ kind }) => kind !== 'release') ?? null;
  const [drill, nightly] = await Promise.all([lastDrill(host), host.facts.unit('berth-backup.service')]);
  const { enabled, drill: weekly } = settings.backup;
  const warnings: string[] = [];
  if (nightly.active === 'failed') {
    warnings.push('the last nightly backup failed: journalctl -u berth-backup on the machine says why');
  }
  if (enabled && whole && olderThan(whole.startedAt, staleAfterMs.backup)) {
    warnings.push(`the newest backup is of ${whole.startedAt}`);
  }
  if (drill && !drill.ok) warnings.push(`the drill of ${drill.at} failed: ${drill.error?.split('\n')[0]}`);
  else if (enabled && weekly !== 'off' && drill && olderThan(drill.at, staleAfterMs.drill)) {
    warnings.push(`the last drill was on ${drill.at}`);
  }
  return {
    newest: whole && { id: whole.id, startedAt: whole.startedAt, bytes: sizeOf(whole) },
    count: all.length,
    bytes: all.reduce((sum, each) => sum + sizeOf(each), 0),
    drill: drill && { at: drill.at, ok: drill.ok, id: drill.id, seconds: drill.seconds },
    warnings,
  };
}

function olderThan(at: string, ms: number): boolean {
  return Date.now() - Date.parse(at) > ms;
}
