/**
 * The resolved description of one machine: what `provisioning/hosts/<name>.yml` says once every default is
 * filled in. The operator's side parses and validates it (`scripts/settings.ts`); the machine's side only
 * reads it. It never carries a secret: those are made on the machine.
 */
export type Settings = {
  /** The hosts file's name, e.g. `local`. */
  name: string;
  hostname: string;
  /** The memory that the machine is sized for, in MiB; `null`: all that it has. A container shows its host's. */
  memoryMiB: number | null;
  /** An IANA zone, e.g. `UTC`. */
  timezone: string;
  /** A locale that glibc knows, e.g. `C.UTF-8`. */
  locale: string;
  admin: AdminSettings;
  ssh: SshSettings;
  /** How long a new login has to confirm a risky change, in milliseconds. */
  confirmWithinMs: number;
  journal: JournalSettings;
  swap: SwapSettings;
  upgrades: UpgradeSettings;
  tls: TlsSettings;
  nginx: NginxSettings;
  firewall: FirewallSettings;
  postgresql: PostgresqlSettings;
  backup: BackupSettings;
  notify: NotifySettings;
  proxy: ProxySettings;
  /** PEM texts of certificate authorities that the machine trusts besides the distribution's. */
  extraCa: string[];
  /** Keyed by the application's name, which is also its user, database and unit. */
  apps: Record<string, AppSettings>;
};

/** What comes with an apply beside its settings, and is written where it belongs and nowhere else. */
export type SiteSecrets = {
  /** The private key of `tls.key`, PEM. */
  tlsKey?: string;
};

export type AdminSettings = {
  /** The sudo user, e.g. `deploy`. */
  user: string;
  /** OpenSSH public keys, one line each. */
  keys: string[];
};

export type SshSettings = {
  /** Where sshd listens, on every address. */
  port: number;
  /** Whom Vagrant logs in as, also after the first apply, where it made the machine; null: it did not. */
  vagrant: string | null;
};

export type ProxySettings = {
  /** By which apt and builds of a git push reach what lies outside, e.g. `http://proxy.example:3128`; null: none. */
  url: string | null;
  /** Names and addresses that they reach without it all the same. */
  noProxy: string[];
};

export type JournalSettings = {
  /** journald's SystemMaxUse, in MiB. */
  maxUseMiB: number;
};

export type SwapSettings = {
  /** `auto`: 1 GiB where memory is under 2 GiB and the kernel allows it; `off`: none of ours. */
  mode: 'auto' | 'off';
};

export type UpgradeSettings = {
  /** Whether security updates are installed by themselves; PostgreSQL's never are. */
  automatic: boolean;
  /** When the machine may reboot where an update needs it, in its time zone, e.g. `04:30`; `off`: by hand alone. */
  reboot: string;
};

/** Where the server's certificate comes from. `names`: what it is for, the main one first. */
export type TlsSettings = LocalTls | AcmeTls | OwnTls;

/** A certificate authority made on the machine, whose key never leaves it. */
export type LocalTls = { kind: 'local'; names: string[] };

/** An authority that anybody may ask by ACME (RFC 8555), Let's Encrypt where not said otherwise. */
export type AcmeTls = {
  kind: 'letsencrypt';
  names: string[];
  /** Whom the authority may write to; null: nobody. */
  email: string | null;
  /** The URL of its directory, and of the one that is asked on trial first; null: none. */
  directory: string;
  staging: string | null;
  /** PEM of the authorities that vouch for the directory and for what it issues, where the system's do not; null. */
  ca: string | null;
  hsts: boolean;
};

/** A certificate of the person's own. */
export type OwnTls = {
  kind: 'own';
  names: string[];
  /** PEM, the server's first. */
  chain: string;
  hsts: boolean;
};

export type NginxSettings = {
  /** Ports that nginx listens on, on every address. */
  httpPort: number;
  httpsPort: number;
  /** The port that people type, where a forward changes it (Vagrant: 8443). */
  publicHttpsPort: number;
};

export type FirewallSettings = {
  enabled: boolean;
  /** Ports besides those of SSH and nginx, e.g. `8080/tcp`, `60000-61000/udp`. */
  allow: string[];
  /** The networks that SSH is open to, e.g. `203.0.113.0/24`; empty: everywhere. */
  sshFrom: string[];
  /** Whether fail2ban bans who fails to log in, by SSH or to an application, again and again. */
  ban: boolean;
};

export type PostgresqlSettings = {
  /** Share of the machine's memory that PostgreSQL is sized for, in percent. */
  memoryPercent: number;
  maxConnections: number;
};

export type NotifySettings = {
  /** Where results are posted; one that holds a token is kept on the machine instead. `null`: nowhere. */
  webhook: { url: string | null };
};

export type BackupSettings = {
  /** Whether timers make the nightly backup and the drill. */
  enabled: boolean;
  /** When, in the machine's time zone, e.g. `03:30`. */
  at: string;
  /** Of how many days, and of how many weeks, the newest nightly backup is kept. */
  daily: number;
  weekly: number;
  /** How many of those made by hand are kept. */
  manual: number;
  /** When the drill is, e.g. `Sun 04:30`; `off`: by hand alone. */
  drill: string;
  /** Where restic copies each backup to, e.g. `sftp:user@host:/path`; null: they stay on the machine. */
  restic: { repository: string } | null;
};

export type AppSettings = {
  name: string;
  /** The folder of the checkout that is the application, relative to it, e.g. `apps/shop`; `.`: all of it. */
  path: string;
  /** The branch that `git push` to the machine builds and deploys, or `none`. */
  push: string;
  /** Names answered by nginx for this application; empty: every name of the machine. */
  domains: string[];
  /** The URL prefix that belongs to the application, e.g. `/api`. */
  prefix: string;
  /** The path that answers 200 when the application can serve, e.g. `/api/readyz`. */
  health: string;
  /** The path of its OpenAPI document, e.g. `/api/openapi.json`; `null`: it has none. */
  openapi: string | null;
  /** A path that must not answer 5xx before a release goes live; `null`: none is asked. */
  smoke: string | null;
  /** How long a new release has until its health path has answered, in milliseconds. */
  startTimeoutMs: number;
  /** How long a new release is watched, and taken back if it does worse than the one before, in milliseconds. */
  watchMs: number;
  /** How many good releases are kept to go back to, besides those that run. */
  keep: number;
  /** Process name → how many, where the Procfile names it; `0` is resolved from the machine's memory and CPUs. */
  processes: Record<string, number>;
  /** How much memory a process may have before it is replaced; `null`: a share of the machine's. */
  memoryMiB: number | null;
  /** Plain environment variables. */
  env: Record<string, string>;
  /**
   * Names of environment variables whose values are made on the machine at the first apply and never leave
   * it, e.g. `JWT_KEYS`. A name that ends in `_KEYS` gets `<id>:<secret>`, any other the secret alone.
   */
  secrets: string[];
  /** Folders below `/srv/<app>/shared` that every release has at the same relative path, e.g. `uploads`. */
  shared: string[];
  /** The largest request body that nginx takes, in bytes. */
  bodyLimitBytes: number;
  /** How long nginx waits for an answer, and for a connection to the application, in milliseconds. */
  timeouts: { answerMs: number; connectMs: number };
  /** Whether nginx lets WebSockets through, and keeps them while they say nothing. */
  websocket: boolean;
  /** How long a release may finish what it has begun, in milliseconds. */
  drainMs: number;
  /** `local`: one of its own on the machine. `url`: where DATABASE_URL of its environment says. */
  database: 'local' | 'url' | 'none';
  /** Whether its database is dumped before each release process. */
  dumpBeforeRelease: boolean;
  /** Where its tasks wait: in its own database, or in the machine's RabbitMQ, where QUEUE_URL leads. */
  queue: 'postgres' | 'rabbitmq';
  /** What it enqueues by itself; its environment's CRON, as JSON. */
  cron: CronEntry[];
};

/** A task that the application enqueues on a schedule. */
export type CronEntry = {
  /** What the task does, as the application names it, e.g. `digest`. */
  kind: string;
  payload: Record<string, unknown>;
  /** The five fields of crontab(5), e.g. `0 7 * * 1`. */
  schedule: string;
  /** An IANA zone, which the schedule is in. */
  timezone: string;
  /** What becomes of runs that were missed: `once`: one task makes up for all of them; `skip`: nothing does. */
  missed: 'once' | 'skip';
};
