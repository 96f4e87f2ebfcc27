import type { AppSettings } from '../../provisioning/settings.ts';
import type { Target } from './target.ts';

/** A part of what nginx serves, as a request names it. */
export type Site = { what: string; path: string; host?: string };

/** The machine's own site, and each application on its first domain or on that site. */
export function sitesOf({ settings }: Target): Site[] {
  const apps = Object.values(settings.apps).map((app) => ({
    what: app.name,
    path: app.prefix,
    ...hostOfApp(app),
  }));
  return [{ what: 'the machine', path: '/' }, ...apps];
}

export function hostOfApp({ domains }: AppSettings): { host?: string } {
  return domains[0] === undefined ? {} : { host: domains[0] };
}

/** A path below the site's own. */
export function below({ path }: Site, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
