import type { BackupStatus } from '../provisioning/backups/status.ts';
import { bytesText } from './table.ts';

/** `37 KiB, 9 h old, 12 in all (96 MiB); drill good, 3 days old`. */
export function backupText({ newest, count, bytes, drill }: BackupStatus, now: number): string {
  const drilled = drill
    ? `drill ${drill.ok ? 'good' : 'failed'}, ${ageText(drill.at, now)} old`
    : 'no drill yet';
  if (!newest) return `none yet; ${drilled}`;
  const { startedAt, bytes: size } = newest;
  return `${bytesText(size)}, ${ageText(startedAt, now)} old, ${count} in all (${bytesText(bytes)}); ${drilled}`;
}

/** `5 min`, `9 h`, `3 days`. */
export function ageText(at: string, now: number): string {
  const minutes = Math.max(0, Math.round((now - Date.parse(at)) / 60_000));
  if (minutes < 90) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
