import type { Host } from './host.ts';
import type { Resource } from './resources/resource.ts';
import type { Settings, SiteSecrets } from './settings.ts';
import { site } from './site.ts';

type SiteChoice = { settings: Settings; code: string; runtime: string; web: string; secrets?: SiteSecrets };

/** The site of this machine as it is: its distribution and its memory decide with the settings. */
export async function siteFor(
  host: Host,
  { settings, code, runtime, web, secrets = {} }: SiteChoice,
): Promise<Resource[]> {
  // Just after a boot, services that are about to start would look like services that stand still.
  await host.run(['systemctl', 'is-system-running', '--wait'], { timeoutMs: 120_000 });
  const memoryMiB = Math.min(settings.memoryMiB ?? host.memoryMiB, host.memoryMiB);
  return site({ settings, platform: await host.facts.platform(), memoryMiB, code, runtime, web, secrets });
}
