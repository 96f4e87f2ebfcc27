import type { Host } from '../host.ts';
import type { Settings } from '../settings.ts';

/** One thing that was looked at, as it is. */
export type Finding = {
  /** `<check>.<what>`, stable, e.g. `sshd.root`. */
  id: string;
  /** What shall hold, e.g. `root cannot log in by SSH`. */
  title: string;
  status: 'pass' | 'fail' | 'warn' | 'skip';
  /** What was seen, or why nothing could be. */
  evidence: string;
  /** The next command or edit where it does not hold. */
  fix: string;
  /** Whose rule it is, e.g. `CIS Debian 12 5.1.20`. */
  reference: string;
};

/** What a finding is about, before anything was looked at. */
export type Rule = Pick<Finding, 'id' | 'title' | 'fix' | 'reference'>;

/** One file of this folder: looks at one part of the machine, and changes nothing. */
export type Check = { id: string; run(subject: Subject): Promise<Finding[]> };
export type Subject = { host: Host; settings: Settings };

const shown = 8;

/** Fails with what is wrong, passes with what is fine. */
export function judge(rule: Rule, wrong: string[], fine: string): Finding {
  return wrong.length === 0
    ? { ...rule, status: 'pass', evidence: fine }
    : { ...rule, status: 'fail', evidence: several(wrong) };
}

/** As `judge`, for what a person should know of but that is no fault. */
export function advise(rule: Rule, odd: string[], fine: string): Finding {
  const finding = judge(rule, odd, fine);
  return finding.status === 'fail' ? { ...finding, status: 'warn' } : finding;
}

/** Fails with what is wrong; warns where there is only what is odd. */
export function weigh(rule: Rule, wrong: string[], odd: string[], fine: string): Finding {
  return wrong.length > 0 ? judge(rule, [...wrong, ...odd], fine) : advise(rule, odd, fine);
}

export function skip(rule: Rule, why: string): Finding {
  return { ...rule, status: 'skip', evidence: why };
}

/** `a; b; c and 12 more`. */
export function several(all: string[]): string {
  const rest = all.length - shown;
  return rest > 0 ? `${all.slice(0, shown).join('; ')} and ${rest} more` : all.join('; ');
}

/** Whether a check is among those of `--only`, which names checks (`sshd`) and single findings (`sshd.root`). */
export function isChosen(check: string, only: string[] | null): boolean {
  return only === null || only.some((id) => id === check || id.startsWith(`${check}.`));
}

/** Runs checks side by side. One that cannot look is a failure of its own: what was not seen is not fine. */
export async function findingsOf<S>(
  checks: { id: string; run(subject: S): Promise<Finding[]> }[],
  subject: S,
  only: string[] | null,
): Promise<Finding[]> {
  const chosen = checks.filter(({ id }) => isChosen(id, only));
  const all = await Promise.all(
    chosen.map(({ id, run }) => run(subject).catch((error: unknown) => [blind(id, error)])),
  );
  return all.flat().filter(({ id }) => only === null || only.includes(checkOf(id)) || only.includes(id));
}

export function checkOf(id: string): string {
  return id.split('.')[0] ?? id;
}

function blind(check: string, error: unknown): Finding {
  return {
    id: `${check}.seen`,
    title: `the check ${check} can look at the machine`,
    status: 'fail',
    evidence: error instanceof Error ? error.message : String(error),
    fix: 'berth apply, then berth verify again',
    reference: 'Berth',
  };
}
