import { backups } from './backups.ts';
import { certificates } from './certificates.ts';
import { clock } from './clock.ts';
import { disk } from './disk.ts';
import { drift } from './drift.ts';
import { exposure } from './exposure.ts';
import type { Check } from './finding.ts';
import { firewall } from './firewall.ts';
import { listening } from './listening.ts';
import { loaded } from './loaded.ts';
import { logins } from './logins.ts';
import { modes } from './modes.ts';
import { modules } from './modules.ts';
import { mounts } from './mounts.ts';
import { nginx } from './nginx.ts';
import { postgresql } from './postgresql.ts';
import { rabbitmq } from './rabbitmq.ts';
import { secrets } from './secrets.ts';
import { sshd } from './sshd.ts';
import { sudoers } from './sudoers.ts';
import { sysctl } from './sysctl.ts';
import { units } from './units.ts';
import { updates } from './updates.ts';
import { users } from './users.ts';
import { writable } from './writable.ts';

/** Every check that looks from inside, in the order in which a report shows them. */
export const checks: Check[] = [
  sshd,
  sudoers,
  users,
  modes,
  secrets,
  writable,
  listening,
  firewall,
  postgresql,
  rabbitmq,
  nginx,
  loaded,
  certificates,
  units,
  exposure,
  updates,
  sysctl,
  modules,
  mounts,
  logins,
  clock,
  disk,
  backups,
  drift,
];
