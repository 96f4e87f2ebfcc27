import type { AppSettings, Settings } from './settings.ts';
import { render } from './template.ts';

/** What nginx answers under one list of names. */
export type Site = {
  /** As nginx takes them, the first also names its description; `_`: every name that no other site has. */
  names: string;
  apps: AppSettings[];
};

/** Where nginx finds the pages and what they show. */
export const pagesRoot = '/var/www/berth';

/** The machine's own site first, then one for each list of domains. */
export function sitesOf({ apps }: Settings): [Site, ...Site[]] {
  const groups = Map.groupBy(Object.values(apps), ({ domains }) => domains.join(' '));
  const main = groups.get('') ?? [];
  groups.delete('');
  return [{ names: '_', apps: main }, ...[...groups].map(([names, apps]) => ({ names, apps }))];
}

/** The description of each site, path → content: what its pages show. */
export function siteFiles(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    sitesOf(settings).map((site) => {
      const applications = site.apps.map(({ name, prefix, health, openapi }) => ({
        name,
        prefix,
        health,
        openapi,
      }));
      const described = { hostname: settings.hostname, applications };
      return [descriptionOf(site), `${JSON.stringify(described, null, 2)}\n`];
    }),
  );
}

/** nginx's locations for the pages of a site; none where an application has the paths. Its own always come first. */
export function pageLocations(site: Site): string {
  const { apps } = site;
  if (apps.some(({ prefix }) => ['/', '/assets'].includes(prefix))) return '';
  const documented = apps.some(({ openapi }) => openapi !== null);
  return (
    render('nginx/pages.conf', { description: descriptionOf(site) }) +
    (documented ? render('nginx/documents.conf') : '')
  );
}

function descriptionOf({ names }: Site): string {
  return `${pagesRoot}/${names.split(' ')[0]}.json`;
}
