import { element, link } from '../dom.ts';
import { type Field, form } from '../form.ts';
import { must } from '../problem.ts';
import { go } from '../route.ts';
import type { View } from '../view.ts';

const email = { label: 'E-mail', type: 'email' } as const;
const password = { name: 'password', label: 'Password', type: 'password' } as const;

export const signIn: View = ({ api, route }) => {
  const fields: Field[] = [
    { name: 'username', ...email, autocomplete: 'username', value: route.query.get('email') ?? '' },
    { ...password, autocomplete: 'current-password' },
  ];
  const filled = form(fields, 'Sign in', async ({ username = '', password = '' }) => {
    await api.signIn({ username, password });
    go('#/');
  });
  const other = element('p', { class: 'quiet' }, 'New here? ', link('#/sign-up', 'Sign up'));
  return { title: 'Sign in', content: [element('div', { class: 'card narrow' }, filled, other)] };
};

export const signUp: View = ({ api }) => {
  const fields: Field[] = [
    { name: 'email', ...email, autocomplete: 'email' },
    { ...password, autocomplete: 'new-password', hint: 'At least 8 characters.' },
    {
      ...{ name: 'username', label: 'Username', autocomplete: 'nickname' },
      hint: 'Others see it. Left empty, it is made from your e-mail.',
    },
  ];
  const filled = form(fields, 'Sign up', async ({ email = '', password = '', username = '' }) => {
    await must(api.POST('/users', { body: { email, password, ...(username && { username }) } }));
    await api.signIn({ username: email, password });
    go('#/');
  });
  const other = element('p', { class: 'quiet' }, 'Signed up already? ', link('#/sign-in', 'Sign in'));
  return { title: 'Sign up', content: [element('div', { class: 'card narrow' }, filled, other)] };
};
