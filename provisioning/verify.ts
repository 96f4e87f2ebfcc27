import type { Host } from './host.ts';
import type { Settings } from './settings.ts';
import { type Finding, findingsOf } from './verify/finding.ts';
import { checks } from './verify/index.ts';

/** What `verify` answers. */
export type MachineFindings = {
  findings: Finding[];
  /** The machine's clock at the moment of this answer, in milliseconds since 1970. */
  now: number;
  /** PEM of the machine's certificate authority; null before the first apply. */
  ca: string | null;
};

/** Looks at the machine as it is, by the settings that it should be like; changes nothing. */
export async function verify(
  { settings, only }: { settings: Settings; only: string[] | null },
  { host }: { host: Host },
): Promise<MachineFindings> {
  const findings = await findingsOf(checks, { host, settings }, only);
  const ca = await host.read('/etc/berth/tls/ca.pem');
  return { findings, now: Date.now(), ca };
}
