import { element, whileBusy } from './dom.ts';
import { Refusal } from './problem.ts';

export type Field = {
  /** As the API names it, and its faults. */
  name: string;
  label: string;
  type?: 'text' | 'email' | 'password' | 'textarea' | 'checkbox';
  value?: string | boolean;
  autocomplete?: string;
  hint?: string;
};

export type Values = Record<string, string>;

/** The conflicts that are about a field. */
const fieldOf: Record<string, string> = { email_taken: 'email', username_taken: 'username' };

/**
 * A form that shows what the API refuses beside the fields that it is about. The room for that is there from the start,
 * so that nothing moves. What is right is the API's to say: nothing is checked here.
 */
export function form(
  fields: Field[],
  submit: string,
  send: (values: Values) => Promise<void>,
): HTMLFormElement {
  const general = element('p', { class: 'fault', role: 'alert' });
  const go = element('button', { type: 'submit', class: 'primary' }, submit);
  const made = element('form', { novalidate: true }, ...fields.map(row), go, general);
  made.addEventListener('submit', (event) => {
    event.preventDefault();
    return whileBusy(go, async () => {
      clear(made, fields, general);
      try {
        await send(Object.fromEntries(new FormData(made)) as Values);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        show(made, fields, general, error);
      }
    });
  });
  return made;
}

function row({ name, label, type = 'text', value, autocomplete, hint = '' }: Field): HTMLElement {
  const described = { id: name, name, autocomplete, 'aria-describedby': `${name}-note` };
  const note = element('span', { class: 'note', id: `${name}-note`, 'data-hint': hint }, hint);
  if (type === 'checkbox') {
    const box = element('input', { ...described, type, checked: value === true });
    return element('p', { class: 'field choice' }, box, element('label', { for: name }, label), note);
  }
  const control =
    type === 'textarea'
      ? element('textarea', { ...described, rows: 10 }, String(value ?? ''))
      : element('input', { ...described, type, value: String(value ?? '') });
  return element('p', { class: 'field' }, element('label', { for: name }, label), control, note);
}

function clear(made: HTMLFormElement, fields: Field[], general: HTMLElement): void {
  general.textContent = '';
  for (const { name } of fields) fault(made, name, undefined);
}

/** The first field at fault gets the focus; what is about none stands below. */
function show(made: HTMLFormElement, fields: Field[], general: HTMLElement, refusal: Refusal): void {
  const conflict = Object.keys(fieldOf).find((code) => refusal.is(code));
  const faults = conflict
    ? [{ path: fieldOf[conflict] as string, message: refusal.message }]
    : (refusal.problem.errors ?? []);
  const about = faults.filter(({ path }) => fields.some(({ name }) => name === path));
  for (const { path, message } of about) fault(made, path, worded(fields, path, message));
  made.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  if (about.length === 0) general.textContent = refusal.message;
}

function fault(made: HTMLFormElement, name: string, message: string | undefined): void {
  const control = made.querySelector<HTMLElement>(`#${name}`);
  const note = made.querySelector<HTMLElement>(`#${name}-note`);
  if (!control || !note) return;
  control.toggleAttribute('aria-invalid', false);
  if (message !== undefined) control.ariaInvalid = 'true';
  note.classList.toggle('fault', message !== undefined);
  note.textContent = message ?? note.dataset.hint ?? '';
}

/** `username is not …` is about what the page calls E-mail. */
function worded(fields: Field[], path: string, message: string): string {
  const { label = path } = fields.find(({ name }) => name === path) ?? {};
  return message.startsWith(`${path} `) ? label + message.slice(path.length) : message;
}
