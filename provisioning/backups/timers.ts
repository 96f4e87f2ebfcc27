import { type RootSandbox, rootUnit } from '../root-unit.ts';
import type { Settings } from '../settings.ts';
import { render } from '../template.ts';

/** The files of the nightly backup and of the weekly drill, path → content; empty where the settings want none. */
export function timerFiles({ backup }: Settings): Record<string, string> {
  if (!backup.enabled) return {};
  const nightly = { at: `*-*-* ${backup.at}:00` };
  const weekly = backup.drill === 'off' ? null : { at: weekdayTime(backup.drill) };
  const directory = '/etc/systemd/system';
  return {
    [`${directory}/berth-backup.service`]: rootUnit('systemd/berth-backup.service', sandbox(backup)),
    [`${directory}/berth-backup.timer`]: render('systemd/berth-backup.timer', nightly),
    ...(weekly
      ? {
          [`${directory}/berth-drill.service`]: rootUnit('systemd/berth-drill.service', sandbox(backup)),
          [`${directory}/berth-drill.timer`]: render('systemd/berth-drill.timer', weekly),
        }
      : {}),
  };
}

/** Both read all that is the applications', and become their users and PostgreSQL's administrator. */
function sandbox({ restic }: Settings['backup']): RootSandbox {
  const repository = restic?.repository.startsWith('/') ? [`-${quoted(restic.repository)}`] : [];
  return {
    writable: ['/run', '/var/backups', '/var/lib/berth', ...repository],
    capabilities: [
      ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID'],
      ...['CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'],
    ],
    network: true,
    home: restic !== null,
  };
}

/** A path as systemd takes it among others: a space ends one, and % begins a specifier. */
function quoted(path: string): string {
  return path.replace(/[\\ "']/g, (found) => `\\x${found.charCodeAt(0).toString(16)}`).replaceAll('%', '%%');
}

/** `Sun 04:30` → `Sun *-*-* 04:30:00`. */
function weekdayTime(text: string): string {
  const [day, time] = text.split(' ');
  return `${day} *-*-* ${time}:00`;
}
