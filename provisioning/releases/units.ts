import type { AppSettings } from '../settings.ts';
import { render } from '../template.ts';

/** The files that systemd runs an application's releases by, path → content. */
export function unitFiles({ name, drainMs }: AppSettings): Record<string, string> {
  const directory = '/etc/systemd/system';
  const app = { app: name };
  const stopping = { ...app, stopSeconds: Math.ceil(drainMs / 1000) + 15 };
  const sandbox = render('systemd/sandbox.conf', app);
  const units = [`${name}@.service`, `${name}-workers.service`, `${name}-release@.service`];
  return {
    [`${directory}/${name}@.service`]: render('systemd/app@.service', stopping),
    [`${directory}/${name}-workers.service`]: render('systemd/app-workers.service', stopping),
    [`${directory}/${name}-release@.service`]: render('systemd/app-release@.service', app),
    ...Object.fromEntries(units.map((unit) => [`${directory}/${unit}.d/sandbox.conf`, sandbox])),
  };
}
