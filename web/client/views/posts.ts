import { element, link } from '../dom.ts';
import { byline, type Post, voteButton } from '../post.ts';
import { must } from '../problem.ts';
import { go, hrefOf } from '../route.ts';
import type { Context, View } from '../view.ts';

type Sort = 'new' | 'top';

/** A page of posts: what is searched for, the order and the place in it are in the address. */
export const posts: View = async (context) => {
  const search = context.route.query.get('search') ?? '';
  const sort: Sort = context.route.query.get('sort') === 'top' ? 'top' : 'new';
  const after = context.route.query.get('after') ?? '';
  const query = { search, sort, limit: 10, ...(after && { after }) };
  const { data, response } = await must(context.api.GET('/posts', { params: { query } }));
  const next = cursorOf(response.headers.get('Link'));
  const pages = element(
    'nav',
    { class: 'pages', 'aria-label': 'Pages' },
    after ? link(hrefOf('/', { search, sort }), 'First page') : undefined,
    next ? link(hrefOf('/', { search, sort, after: next }), 'Next page', { rel: 'next' }) : undefined,
  );
  const list = element('ul', { class: 'posts' }, ...data.map((post) => row(context, post)));
  const nothing = element(
    'p',
    { class: 'quiet' },
    search ? 'No title has that in it.' : 'Nobody has written yet.',
  );
  return { title: 'Posts', content: [filter(search, sort), data.length > 0 ? list : nothing, pages] };
};

function filter(search: string, sort: Sort): HTMLFormElement {
  const title = element('input', {
    id: 'search',
    type: 'search',
    name: 'search',
    value: search,
    enterkeyhint: 'search',
  });
  const order = element(
    'select',
    { id: 'sort', name: 'sort' },
    element('option', { value: 'new', selected: sort === 'new' }, 'Newest'),
    element('option', { value: 'top', selected: sort === 'top' }, 'Most votes'),
  );
  const made = element(
    'form',
    { class: 'filter', role: 'search' },
    element('p', {}, element('label', { for: 'search' }, 'Search titles'), title),
    element('p', {}, element('label', { for: 'sort' }, 'Order'), order),
    element('button', { type: 'submit', id: 'find' }, 'Search'),
  );
  const ask = () => go(hrefOf('/', { search: title.value, sort: order.value }));
  order.addEventListener('change', ask);
  made.addEventListener('submit', (event) => {
    event.preventDefault();
    ask();
  });
  return made;
}

function row({ api }: Context, post: Post): HTMLElement {
  const heading = element('h2', {}, link(hrefOf(`/posts/${post.id}`), post.title));
  const text = element('p', { class: 'excerpt' }, post.content);
  return element(
    'li',
    { class: 'card' },
    element('div', {}, heading, text, byline(post)),
    voteButton(api, post),
  );
}

/** `</api/posts?after=3.17>; rel="next"` → `3.17` (RFC 8288). */
function cursorOf(header: string | null): string | undefined {
  const [, target = ''] = /<([^>]*)>; rel="next"/.exec(header ?? '') ?? [];
  return new URLSearchParams(target.split('?')[1]).get('after') ?? undefined;
}
