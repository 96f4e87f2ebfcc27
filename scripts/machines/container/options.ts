import type { ImageName } from './recipe.ts';
import type { Owner } from './record.ts';

/** What is asked of the root's side; plain data, for it may travel to another process. */
export type LifeOptions = {
  name: string;
  stateDirectory: string;
  image: ImageName;
  network: string;
  memoryMiB?: number;
  /** Where sshd listens once the settings are applied; until then at 22. */
  sshPort?: number;
  /** The user that `ssh -F ssh_config <name>` logs in as. */
  user: string;
  owner: Owner;
  /** Stops the work; what it has begun is completed or cleared by the next call. */
  signal?: AbortSignal | undefined;
};
