import { type Api, createApi } from './api.ts';
import { announce, button, element, link, part } from './dom.ts';
import { forgetVotes } from './post.ts';
import { must, Refusal } from './problem.ts';
import { currentRoute, go, type Route } from './route.ts';
import type { Me, Shown, View } from './view.ts';
import { signIn, signUp } from './views/access.ts';
import { account } from './views/account.ts';
import { post } from './views/post.ts';
import { posts } from './views/posts.ts';
import { edit, write } from './views/write.ts';

/** By the first segment of a route, and the last of a post's. */
const open = new Map<string, View>(Object.entries({ 'sign-in': signIn, 'sign-up': signUp }));
const views = new Map<string, View>(Object.entries({ '': posts, posts: post, edit, write, account }));

/** Runs the client of the API at `base` for as long as the page lives. */
export async function startClient(base: string): Promise<void> {
  let me: Me | undefined;
  let latest = 0;
  const api = createApi(base, () => {
    announce('Your session has ended: please sign in again.');
    go('#/sign-in');
  });

  async function show(view: View, route: Route): Promise<Shown> {
    if (!api.signedIn) {
      me = undefined;
      forgetVotes();
    } else me ??= (await must(api.GET('/users/me'))).data;
    return view({ api, route, me });
  }

  async function navigate(): Promise<void> {
    latest += 1;
    const turn = latest;
    const route = currentRoute();
    const view = viewOf(api, route);
    if (typeof view === 'string') return go(view);
    const shown = await show(view, route).catch(refused);
    // Whoever has gone on meanwhile is shown that.
    if (turn === latest) render(api, shown);
  }

  addEventListener('hashchange', () => {
    // At once: what is out of sight by then may move.
    scrollTo(0, 0);
    return navigate();
  });
  part('skip').addEventListener('click', (event) => {
    // Its address would be a route.
    event.preventDefault();
    part('main').focus();
  });
  await api.resume().catch(() => undefined);
  await navigate();
}

/** The view of a route, or where to go instead. */
function viewOf(api: Api, { segments }: Route): View | string {
  const [first = '', , last = first] = segments;
  if (!api.signedIn) return open.get(first) ?? '#/sign-in';
  return views.get(last) ?? '#/';
}

function refused(error: unknown): Shown {
  if (!(error instanceof Refusal)) throw error;
  return {
    title: error.problem.status === 404 ? 'Not found' : 'That did not work',
    content: [element('p', {}, error.message), element('p', {}, link('#/', 'All posts'))],
  };
}

function render(api: Api, { title, content }: Shown): void {
  const main = part('main');
  const focused = document.activeElement?.id ?? '';
  const first = main.ariaBusy === 'true';
  main.ariaBusy = null;
  const heading = element('h1', { tabindex: -1 }, title);
  main.replaceChildren(heading, ...content);
  part('navigation').replaceChildren(...navigation(api));
  document.title = `${title} · ${part('brand').textContent}`;
  // Whoever searches goes on from the same field, all others begin at the top of what is new.
  if (first) return;
  const again = focused === 'main' ? null : document.getElementById(focused);
  if (again && main.contains(again)) again.focus();
  else heading.focus();
}

function navigation(api: Api): HTMLElement[] {
  const links = api.signedIn
    ? [link('#/', 'Posts'), link('#/write', 'Write'), link('#/account', 'Account')]
    : [link('#/sign-in', 'Sign in'), link('#/sign-up', 'Sign up')];
  for (const each of links) {
    if (each.hash === (location.hash || '#/').split('?')[0]) each.setAttribute('aria-current', 'page');
  }
  const leave = button('Sign out', { class: 'plain' }, async () => {
    await api.signOut();
    announce('You are signed out.');
    go('#/sign-in');
  });
  return api.signedIn ? [...links, leave] : links;
}
