import { Refusal } from './problem.ts';

type Attributes = Record<string, string | number | boolean | undefined>;

/** An element with attributes as HTML names them; `false` and `undefined` leave one out. Text is text, never HTML. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string | undefined)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function link(href: string, text: string, attributes: Attributes = {}): HTMLAnchorElement {
  return element('a', { href, ...attributes }, text);
}

/** A button that runs `act` when pressed, and not again before that has ended; says why the API refuses it. */
export function button(
  text: string,
  attributes: Attributes,
  act: () => void | Promise<void>,
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', () => whileBusy(made, act).catch(announceRefusal));
  return made;
}

/** Not `disabled`, which would lose the focus. */
export async function whileBusy(control: HTMLElement, act: () => void | Promise<void>): Promise<void> {
  if (control.ariaDisabled === 'true') return;
  control.ariaDisabled = 'true';
  try {
    await act();
  } finally {
    control.ariaDisabled = null;
  }
}

/** The element of the page that has this id. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

const ANNOUNCED_MS = 6000;
let announced: ReturnType<typeof setTimeout> | undefined;

/** Says it to everybody: below the page for a while to those who see it, aloud to those who have it read. */
export function announce(text: string): void {
  clearTimeout(announced);
  const status = part('status');
  status.replaceChildren(element('span', {}, text));
  announced = setTimeout(() => status.replaceChildren(), ANNOUNCED_MS);
}

function announceRefusal(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
  announce(error.message);
}
