import type { DriftStatus } from '../provisioning/drift.ts';
import { ageText } from './backup-text.ts';
import { instant } from './table.ts';

/** `none since 2026-11-21 12:00:05, looked 3 h ago`, or how many resources and which. */
export function driftText({ state, since, at, resources }: DriftStatus, now: number): string {
  const [of, looked] = [instant(since ?? ''), `looked ${ageText(at ?? '', now)} ago`];
  switch (state) {
    case 'unknown':
      return 'unknown, there was no apply yet';
    case 'unfinished':
      return `unknown, what began at ${of} has not ended well`;
    case 'none':
      return `none since ${of}, ${looked}`;
    case 'found':
      return `${countText(resources.length)} since ${of}, ${looked}: ${resources.join(', ')}`;
  }
}

export function countText(count: number): string {
  return count === 1 ? '1 resource' : `${count} resources`;
}
