import { BerthError } from './errors.ts';
import type { AppSettings, Settings } from './settings.ts';

/** @throws BerthError `unknown_app` */
export function appOf(settings: Settings, name: string): AppSettings {
  const app = settings.apps[name];
  if (app) return app;
  throw new BerthError('unknown_app', `the settings name no application ${name}`, 'add it to the hosts file');
}
