import { announce, element, link } from '../dom.ts';
import { type Field, form } from '../form.ts';
import type { Post } from '../post.ts';
import { must, Refusal } from '../problem.ts';
import { go } from '../route.ts';
import type { View } from '../view.ts';
import { idOf, readPost } from './post.ts';

export const write: View = ({ api }) => {
  const filled = form(fieldsOf(), 'Publish', async (values) => {
    const { data } = await must(api.POST('/posts', { body: draftOf(values) }));
    announce('Your post is saved.');
    go(`#/posts/${data.id}`);
  });
  return { title: 'Write', content: [element('div', { class: 'card' }, filled)] };
};

/** What was changed elsewhere meanwhile is not written over: the API compares the version that was read. */
export const edit: View = async (context) => {
  const { api, route, me } = context;
  const { data, response } = await must(readPost(context));
  const id = idOf(route);
  if (data.owner_id !== me?.id)
    return {
      title: 'Edit',
      content: [element('p', {}, 'Only its owner may change a post.'), link(`#/posts/${id}`, 'Read it')],
    };
  const headers = { 'If-Match': response.headers.get('ETag') ?? '' };
  const filled = form(fieldsOf(data), 'Save', async (values) => {
    const params = { path: { id } };
    await must(api.PUT('/posts/{id}', { params, headers, body: draftOf(values) })).catch(explained);
    announce('Your changes are saved.');
    go(`#/posts/${id}`);
  });
  return { title: 'Edit', content: [element('div', { class: 'card' }, filled)] };
};

function fieldsOf(post?: Post): Field[] {
  return [
    { name: 'title', label: 'Title', value: post?.title ?? '' },
    { name: 'content', label: 'Text', type: 'textarea', value: post?.content ?? '' },
    { name: 'published', label: 'Everybody may read it', type: 'checkbox', value: post?.published ?? true },
  ];
}

function draftOf({ title = '', content = '', published }: Record<string, string>) {
  return { title, content, published: published === 'on' };
}

function explained(error: unknown): never {
  if (!(error instanceof Refusal) || error.problem.status !== 412) throw error;
  const detail = 'It was changed elsewhere meanwhile. Copy what you wrote, and open it again.';
  throw new Refusal({ ...error.problem, detail });
}
