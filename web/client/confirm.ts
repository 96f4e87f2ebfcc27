import { element } from './dom.ts';

/** Asks before what cannot be taken back; Escape is no. */
export function confirmed(question: string, yes: string): Promise<boolean> {
  const no = element('button', { value: '' }, 'Keep it');
  const go = element('button', { value: 'yes', class: 'danger' }, yes);
  const heading = element('h2', { id: 'question' }, question);
  const choice = element('form', { method: 'dialog', class: 'actions' }, no, go);
  const dialog = element('dialog', { 'aria-labelledby': 'question' }, heading, choice);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
