import { documentedOf, readSite } from '../client/site.ts';

/** Where the document of this site is shown, and its path; says so where there is none. */
export async function documentPlace(): Promise<{ element: HTMLElement; url: string } | undefined> {
  const element = document.querySelector('main') as HTMLElement;
  document
    .querySelector(`.berth a[href="${location.pathname.replace(/\/$/, '')}"]`)
    ?.setAttribute('aria-current', 'page');
  const url = documentedOf(await readSite())?.openapi;
  if (url) return { element, url };
  const text = document.createElement('p');
  text.className = 'absent';
  text.textContent = 'No application of this site has an OpenAPI document.';
  element.replaceChildren(text);
  return undefined;
}
