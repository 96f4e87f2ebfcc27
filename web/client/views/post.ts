import { confirmed } from '../confirm.ts';
import { announce, button, element, link } from '../dom.ts';
import { byline, voteButton } from '../post.ts';
import { must } from '../problem.ts';
import { go, hrefOf } from '../route.ts';
import type { Context, View } from '../view.ts';

/** One post, in full; its owner may change and delete it. */
export const post: View = async (context) => {
  const { data } = await must(readPost(context));
  const own = data.owner_id === context.me?.id;
  const actions = element(
    'div',
    { class: 'actions' },
    voteButton(context.api, data),
    ...(own ? changing(context) : []),
  );
  return {
    title: data.title,
    content: [byline(data), element('p', { class: 'card text' }, data.content), actions],
  };
};

export function readPost({ api, route }: Context) {
  return api.GET('/posts/{id}', { params: { path: { id: idOf(route) } } });
}

export function idOf({ segments }: Context['route']): number {
  return Number(segments[1]);
}

function changing({ api, route }: Context): HTMLElement[] {
  const id = idOf(route);
  const remove = button('Delete', { class: 'danger' }, async () => {
    if (!(await confirmed('Delete this post with all its votes?', 'Delete it'))) return;
    await must(api.DELETE('/posts/{id}', { params: { path: { id } } }));
    announce('The post is deleted.');
    go('#/');
  });
  return [link(hrefOf(`/posts/${id}/edit`), 'Edit', { class: 'button' }), remove];
}
