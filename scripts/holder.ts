import type { RunInfo } from '../provisioning/runs.ts';
import { ago } from './clock.ts';

/** `deploy of api that joan@laptop began 12 s ago`. */
export function holderText({ verb, app, by, since }: RunInfo): string {
  return `${verb}${app === null ? '' : ` of ${app}`} that ${by} began ${ago(since)}`;
}
