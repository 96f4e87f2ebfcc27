import type { Settings } from '../../provisioning/settings.ts';
import type { Finding } from '../../provisioning/verify/finding.ts';
import type { Reach } from '../machines/machine.ts';
import type { Route } from './route.ts';

/** A machine as it is seen from this computer. */
export type Target = {
  settings: Settings;
  reach: Reach;
  route: Route;
  /** The name or address that is connected to. */
  address: string;
  /** Every TCP port is tried, not only the well-known ones. */
  allPorts: boolean;
  /** What the machine's side says of itself, once it has answered. */
  inside: Promise<Inside>;
};

export type Inside = {
  /** PEM of the machine's own authority. */
  ca: string | null;
  /** How far its clock is ahead of ours, in milliseconds. */
  aheadMs: number;
};

/** One file of this folder: looks at one thing from outside, and leaves nothing there. */
export type OutsideCheck = { id: string; run(target: Target): Promise<Finding[]> };
