import type { Settings } from '../settings.ts';
import { render } from '../template.ts';

/** The files of the nightly backup and of the weekly drill, path → content; empty where the settings want none. */
export function timerFiles({ backup }: Settings): Record<string, string> {
  if (!backup.enabled) return {};
  const nightly = { at: `*-*-* ${backup.at}:00` };
  const weekly = backup.drill === 'off' ? null : { at: weekdayTime(backup.drill) };
  const directory = '/etc/systemd/system';
  return {
    [`${directory}/berth-backup.service`]: render('systemd/berth-backup.service'),
    [`${directory}/berth-backup.timer`]: render('systemd/berth-backup.timer', nightly),
    ...(weekly
      ? {
          [`${directory}/berth-drill.service`]: render('systemd/berth-drill.service'),
          [`${directory}/berth-drill.timer`]: render('systemd/berth-drill.timer', weekly),
        }
      : {}),
  };
}

/** `Sun 04:30` → `Sun *-*-* 04:30:00`. */
function weekdayTime(text: string): string {
  const [day, time] = text.split(' ');
  return `${day} *-*-* ${time}:00`;
}
