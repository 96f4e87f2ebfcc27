import { join } from 'node:path';
import { newRunId } from './ids.ts';

export type LocalRun = {
  /** argv of the unit; its program reads `request` from standard input. */
  argv: string[];
  request: string;
  id: string;
};

/**
 * A run that begins on the machine itself: as `berth-run.service`, of which there is one at a time, it holds the machine.
 * systemd refuses it while another does.
 */
export function localRun(
  { verb, input, by }: { verb: string; input: unknown; by: string },
  environment: Record<string, string> = {},
): LocalRun {
  const id = newRunId();
  const variables = Object.entries({ HOME: '/root', NODE_COMPILE_CACHE: '/var/cache/berth', ...environment });
  const argv = [
    ...['systemd-run', '--quiet', '--pipe', '--wait', '--collect', '--service-type=exec', '--unit=berth-run'],
    `--description=berth ${verb} by ${by}`,
    ...variables.map(([name, value]) => `--setenv=${name}=${value}`),
    ...[process.execPath, join(import.meta.dirname, 'main.ts')],
  ];
  return { argv, request: `${JSON.stringify({ verb, input, run: { id, by } })}\n`, id };
}
