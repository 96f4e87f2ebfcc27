import { showApplications, showDocuments } from './applications.ts';
import { startClient } from './client.ts';
import { clientBase } from './document.ts';
import { element, part } from './dom.ts';
import { documentedOf, readSite } from './site.ts';

const site = await readSite();
showApplications(site);
const openapi = documentedOf(site)?.openapi;
if (openapi) showDocuments(openapi);
const base = openapi ? await clientBase(openapi) : undefined;
if (base) await startClient(base);
else {
  const main = part('main');
  main.ariaBusy = null;
  main.replaceChildren(
    element('h1', {}, site.hostname),
    element('p', {}, 'This machine is kept by Berth, and serves the applications that it lists.'),
  );
}
