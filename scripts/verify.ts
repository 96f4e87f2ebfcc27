import { BerthError } from '../provisioning/errors.ts';
import { checkOf, type Finding, findingsOf } from '../provisioning/verify/finding.ts';
import { checks } from '../provisioning/verify/index.ts';
import type { MachineFindings } from '../provisioning/verify.ts';
import { reachNow } from './answering.ts';
import type { Context } from './command.ts';
import { openMachineSide } from './machine-side.ts';
import { nearest } from './suggest.ts';
import { outsideChecks } from './verify/index.ts';
import { type Route, routeOf, unreached } from './verify/route.ts';
import type { Inside, OutsideCheck, Target } from './verify/target.ts';

export type Seen = Finding & { side: 'inside' | 'outside' };
export type Verified = { findings: Seen[]; seconds: number };

/**
 * Looks at a machine from inside, by one connection, and from outside, both at once; changes nothing.
 * `only` names checks (`sshd`) or findings (`sshd.root`); null: all.
 */
export async function verify(
  context: Context,
  { only, allPorts }: { only: string[] | null; allPorts: boolean },
): Promise<Verified> {
  const began = performance.now();
  const [settings, reach] = await Promise.all([context.settings(), reachNow(context)]);
  const [route, side] = await Promise.all([routeOf(reach), openMachineSide(context)]);
  const asked = side
    .ask<MachineFindings>('verify', { settings, only })
    .then((answer) => ({ answer, at: Date.now() }));
  const inside = asked.then(({ answer: { ca, now }, at }): Inside => ({ ca, aheadMs: now - at }));
  const target: Target = {
    ...{ settings, reach, route, allPorts, inside },
    address: reach.names[0] ?? settings.tls.names[0] ?? reach.alias,
  };
  const fromHere = checksBy(route, only);
  const [{ answer }, outside] = await Promise.all([asked, findingsOf(fromHere, target, only)]);
  const findings = [
    ...answer.findings.map((finding) => ({ ...finding, side: 'inside' as const })),
    ...outside.map((finding) => ({ ...finding, side: 'outside' as const })),
  ];
  if (findings.length === 0) throw unknownFinding(only ?? []);
  return { findings, seconds: Math.round(performance.now() - began) / 1000 };
}

/** What goes by ssh, or asks nothing of the network, is looked at through a jump host too. */
export function checksBy({ through }: Route, only: string[] | null): OutsideCheck[] {
  if (through === null) return outsideChecks;
  return outsideChecks.map((check) =>
    ['ssh', 'offset'].includes(check.id) ? check : unreached(check, through, only),
  );
}

/** What `--only a,b` names. Throws `wrong_usage` for a check that there is none of. */
export function chosenChecks(given: string | undefined): string[] | null {
  if (given === undefined) return null;
  const known = [...checks, ...outsideChecks].map(({ id }) => id);
  const ids = given
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);
  const unknown = ids.find((id) => !known.includes(checkOf(id)));
  if (ids.length > 0 && unknown === undefined) return ids;
  const meant = nearest(checkOf(unknown ?? ''), known);
  throw new BerthError(
    'wrong_usage',
    `--only ${JSON.stringify(unknown ?? given)} names no check; there are: ${known.join(', ')}`,
    meant ? `did you mean --only ${meant}?` : 'berth verify --only sshd,ports',
  );
}

function unknownFinding(only: string[]): BerthError {
  return new BerthError(
    'wrong_usage',
    `--only ${only.join(',')} names nothing that its check looks at`,
    `berth verify --only ${[...new Set(only.map(checkOf))].join(',')} shows what there is`,
  );
}
