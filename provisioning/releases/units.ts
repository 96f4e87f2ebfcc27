import type { Platform } from '../platform.ts';
import type { AppSettings } from '../settings.ts';
import { render } from '../template.ts';

/** The files that systemd runs an application's releases by, path → content. */
export function unitFiles(platform: Platform, { name, drainMs }: AppSettings): Record<string, string> {
  const directory = '/etc/systemd/system';
  const app = { app: name };
  const stopping = { ...app, stopSeconds: Math.ceil(drainMs / 1000) + 15 };
  const sandbox = render('systemd/sandbox.conf', app);
  // Older ones would warn of the unknown settings at every start.
  const backoff = platform.systemd >= 254 ? render('systemd/backoff.conf') : null;
  const kept = [`${name}@.service`, `${name}-workers.service`];
  return {
    [`${directory}/${name}@.service`]: render('systemd/app@.service', stopping),
    [`${directory}/${name}-workers.service`]: render('systemd/app-workers.service', stopping),
    ...Object.fromEntries(
      kept.flatMap((unit) => [
        [`${directory}/${unit}.d/sandbox.conf`, sandbox],
        ...(backoff === null ? [] : [[`${directory}/${unit}.d/backoff.conf`, backoff]]),
      ]),
    ),
    [`${directory}/${name}-release@.service`]: render('systemd/app-release@.service', app),
    [`${directory}/${name}-release@.service.d/sandbox.conf`]: sandbox,
  };
}
