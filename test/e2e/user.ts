import type { Checkout, Status } from './checkout.ts';
import type { Client } from './client.ts';

/** A person's fresh clone and the machine that came of it; filled in by the first test. */
export type User = { checkout: Checkout; status: Status; ask: Client };

/** Prints a figure of a test among its lines. */
export const figure = (what: string, value: string | number) => console.log(`    figure: ${what}: ${value}`);
