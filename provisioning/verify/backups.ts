import { lastDrill } from '../backups/drill.ts';
import { listBackups } from '../backups/store.ts';
import type { Check, Finding, Rule, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

const hourMs = 3_600_000;
const rules = {
  newest: {
    id: 'backups.newest',
    title: 'there is a backup of the last 30 hours',
    fix: 'berth backup now; sudo journalctl -u berth-backup says why the night’s failed',
    reference: 'CIS Controls 11.2',
  },
  drill: {
    id: 'backups.drill',
    title: 'a backup was restored within the last 8 days',
    fix: 'berth backup drill',
    reference: 'CIS Controls 11.5',
  },
};

/** When something was last saved, and when that was last proven. */
export const backups: Check = { id: 'backups', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const { enabled, drill: weekly } = settings.backup;
  if (!enabled) return Object.values(rules).map((rule) => skip(rule, 'backup.enabled is false'));
  const [all, drill, made] = await Promise.all([
    listBackups(host),
    lastDrill(host),
    host.run(['stat', '--format=%W', '/etc/berth']),
  ]);
  const newest = all.findLast(({ kind }) => kind !== 'release') ?? null;
  const young = Number(made.stdout) * 1000;
  const age = (at: string) => Date.now() - Date.parse(at);
  const failed =
    drill && !drill.ok ? [`the drill of ${drill.at} failed: ${drill.error?.split('\n')[0]}`] : null;
  return [
    judgeAge(rules.newest, {
      at: newest?.startedAt,
      isFine: (at) => age(at) < 30 * hourMs,
      young,
      graceMs: 30 * hourMs,
    }),
    weekly === 'off'
      ? skip(rules.drill, 'backup.drill is off')
      : failed
        ? judge(rules.drill, failed, '')
        : judgeAge(rules.drill, {
            at: drill?.at,
            isFine: (at) => age(at) < 8 * 24 * hourMs,
            young,
            graceMs: 8 * 24 * hourMs,
          }),
  ];
}

type Aged = { at: string | undefined; isFine: (at: string) => boolean; young: number; graceMs: number };

/** A machine that is younger than the first time was due has none yet, and that is a warning. */
function judgeAge(rule: Rule, { at, isFine, young, graceMs }: Aged): Finding {
  if (at !== undefined) return judge(rule, isFine(at) ? [] : [`the last is of ${at}`], at);
  const finding = judge(rule, ['none yet'], '');
  return young > 0 && Date.now() - young < graceMs
    ? { ...finding, status: 'warn', evidence: `none yet; the machine is of ${new Date(young).toISOString()}` }
    : finding;
}
