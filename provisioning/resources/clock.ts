import type { Change } from '../change.ts';
import type { Resource } from './resource.ts';

type ClockState = { container: boolean; others: string[]; active: boolean; enabled: boolean };

const unit = 'systemd-timesyncd.service';

/** Packages that keep the clock, ours first: another that somebody chose is left in charge. */
export const clockPackages = ['systemd-timesyncd', 'chrony', 'ntpsec', 'openntpd', 'ntp'];

const installed = 'install ok installed';

/** A clock that time servers keep, by systemd-timesyncd unless something else does it already. */
export function keptClock(): Resource<ClockState> {
  return {
    id: 'clock',
    async check(host) {
      const [container, known, { active, enabled }] = await Promise.all([
        host.facts.container(),
        host.facts.packages(),
        host.facts.unit(unit),
      ]);
      const others = clockPackages.slice(1).filter((name) => known.get(name) === installed);
      return { container, others, active: active === 'active', enabled: enabled.startsWith('enabled') };
    },
    plan({ container, others, active, enabled }) {
      if (container || others.length > 0) return [];
      const start: Change = { do: 'run', argv: ['systemctl', 'enable', '--now', unit] };
      return active && enabled ? [] : [start];
    },
    inverse: () => ({ stays: 'the service that keeps the clock' }),
  };
}
