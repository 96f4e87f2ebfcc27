import { api } from './api.ts';
import { headers } from './headers.ts';
import { methods } from './methods.ts';
import { names } from './names.ts';
import { offset } from './offset.ts';
import { paths } from './paths.ts';
import { ports } from './ports.ts';
import { redirect } from './redirect.ts';
import { smuggling } from './smuggling.ts';
import { ssh } from './ssh.ts';
import type { OutsideCheck } from './target.ts';
import { tls } from './tls.ts';

/** Every check that looks from outside, in the order in which a report shows them. */
export const outsideChecks: OutsideCheck[] = [
  ports,
  ssh,
  tls,
  redirect,
  headers,
  methods,
  paths,
  smuggling,
  names,
  api,
  offset,
];
