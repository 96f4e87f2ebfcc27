import type { Api } from './api.ts';
import type { components } from './contract.d.ts';
import { announce, button, element } from './dom.ts';
import { must, Refusal } from './problem.ts';

export type Post = components['schemas']['Post'];

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** Whose it is, and since when. */
export function byline({ owner, created_at, updated_at, published }: Post): HTMLElement {
  const edited = updated_at === created_at ? '' : ', edited';
  return element(
    'p',
    { class: 'quiet byline' },
    published ? undefined : element('span', { class: 'tag' }, 'Only you see this'),
    `${owner.username}, `,
    element('time', { datetime: created_at }, dates.format(new Date(created_at))),
    edited,
  );
}

/** Which posts this visitor has voted for, as far as this page was told: a post itself does not say. */
const voted = new Map<number, boolean>();

/** For the next visitor, who has votes of their own. */
export function forgetVotes(): void {
  voted.clear();
}

/** Gives one's vote, or takes it back. Of a vote from an earlier visit the API says so first. */
export function voteButton(api: Api, post: Post): HTMLButtonElement {
  let votes = post.votes;
  const show = () => {
    control.textContent = `▲ ${votes}`;
    control.ariaLabel = `Vote for “${post.title}”: ${votes} ${votes === 1 ? 'vote' : 'votes'}`;
    control.ariaPressed = String(voted.get(post.id) ?? false);
  };
  const control = button('', { class: 'vote' }, async () => {
    const dir = voted.get(post.id) ? 0 : 1;
    try {
      const { data } = await must(api.POST('/vote', { body: { post_id: post.id, dir } }));
      votes = data.votes;
      voted.set(post.id, dir === 1);
      announce(dir === 1 ? 'Your vote is counted.' : 'Your vote is taken back.');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // What was asked for is so already.
      if (error.is('already_voted') || error.problem.status === 404) voted.set(post.id, dir === 1);
      announce(error.message);
    }
    show();
  });
  show();
  return control;
}
