import { confirmed } from '../confirm.ts';
import { announce, button, element } from '../dom.ts';
import { must } from '../problem.ts';
import { go } from '../route.ts';
import type { View } from '../view.ts';

export const account: View = ({ api, me }) => {
  const remove = button('Delete the account', { class: 'danger' }, async () => {
    const sure = await confirmed('Delete your account, with all your posts and votes?', 'Delete everything');
    if (!sure) return;
    await must(api.DELETE('/users/me'));
    api.forget();
    announce('Your account is deleted.');
    go('#/sign-up');
  });
  const facts = element(
    'dl',
    {},
    element('dt', {}, 'Username'),
    element('dd', {}, me?.username ?? ''),
    element('dt', {}, 'E-mail'),
    element('dd', {}, me?.email ?? ''),
  );
  return {
    title: 'Account',
    content: [element('div', { class: 'card' }, facts, element('div', { class: 'actions' }, remove))],
  };
};
