import { element, link, part } from './dom.ts';
import type { Application, Site } from './site.ts';

/** Lists what the machine runs, and asks each whether it can serve and which release answers. */
export function showApplications({ hostname, applications }: Site): void {
  document.title = hostname;
  part('brand').textContent = hostname;
  part('applications').replaceChildren(...applications.map(row));
}

function row({ name, prefix, health }: Application): HTMLElement {
  const state = element('span', { class: 'state' }, 'asking …');
  ask(health).then(
    (text) => {
      state.textContent = text;
    },
    () => {
      state.textContent = 'does not answer';
    },
  );
  return element('li', {}, element('strong', {}, name), ' ', element('code', {}, prefix), state);
}

async function ask(health: string): Promise<string> {
  const answer = await fetch(health);
  const release = answer.headers.get('x-release') ?? '';
  return answer.ok ? `${release} answers`.trim() : `answers ${answer.status}`;
}

export function showDocuments(openapi: string): void {
  const documents = [link('/docs', 'Swagger UI'), link('/redoc', 'ReDoc'), link(openapi, 'OpenAPI document')];
  part('documents').replaceChildren(...documents.map((each) => element('li', {}, each)));
}
