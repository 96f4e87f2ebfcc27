/** Where the page is: `#/posts/12?sort=top` is the segments `posts` and `12`, and a query. */
export type Route = { segments: string[]; query: URLSearchParams };

export function currentRoute(): Route {
  const [path = '', query = ''] = location.hash.slice(1).split('?');
  return { segments: path.split('/').filter(Boolean), query: new URLSearchParams(query) };
}

export function hrefOf(path: string, query: Record<string, string> = {}): string {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  return `#${path}${given.size > 0 ? `?${given}` : ''}`;
}

export function go(href: string): void {
  location.hash = href;
}
