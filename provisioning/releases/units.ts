import type { Platform } from '../platform.ts';
import type { AppSettings } from '../settings.ts';
import { render } from '../template.ts';

/** The files that systemd runs an application's releases by, path → content. */
export function unitFiles(platform: Platform, { name, drainMs }: AppSettings): Record<string, string> {
  const directory = '/etc/systemd/system';
  const app = { app: name };
  const sandbox = render('systemd/sandbox.conf', app);
  return {
    [`${directory}/${name}@.service`]: render('systemd/app@.service', {
      ...app,
      stopSeconds: Math.ceil(drainMs / 1000) + 15,
    }),
    [`${directory}/${name}@.service.d/sandbox.conf`]: sandbox,
    // Older ones would warn of the unknown settings at every start.
    ...(platform.systemd >= 254
      ? { [`${directory}/${name}@.service.d/backoff.conf`]: render('systemd/backoff.conf') }
      : {}),
    [`${directory}/${name}-release@.service`]: render('systemd/app-release@.service', app),
    [`${directory}/${name}-release@.service.d/sandbox.conf`]: sandbox,
  };
}
