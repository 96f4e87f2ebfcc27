import { authority, parse, publishedAuthority, serverCertificate } from '../resources/certificate.ts';
import { directory, type FileState, gone, planWrite, readFileState } from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import { service } from '../resources/service.ts';
import type { AcmeTls, OwnTls, Settings, SiteSecrets } from '../settings.ts';
import { account, certificateService, certificateTimer, noAccount } from './account.ts';
import { authorityPath, issuedPath, publishedPath, serverPath } from './files.ts';
import { installed, writeServer } from './installed.ts';
import { dueFor, type IssueState, readIssueState } from './issue.ts';
import { isAbout } from './record.ts';

/** What nginx can serve with from its first start on: the machine's own authority vouches for it meanwhile. */
export function certificates({ tls, extraCa }: Settings, secrets: SiteSecrets): Resource[] {
  const standIn = { standIn: tls.kind === 'letsencrypt' };
  return [
    directory({ path: '/etc/berth/tls' }),
    authority(authorityPath, tls.names),
    publishedAuthority(publishedPath, authorityPath),
    tls.kind === 'own'
      ? ownCertificate(tls, secrets.tlsKey)
      : serverCertificate(serverPath, authorityPath, tls.names, standIn),
    ...(tls.kind === 'letsencrypt' ? account(tls, extraCa) : noAccount()),
  ];
}

/** Once nginx answers the authority's challenges and the machine keeps its settings, which the service goes by. */
export function issuance({ tls }: Settings): Resource[] {
  if (tls.kind !== 'letsencrypt') return [];
  return [service(certificateTimer), issued(tls), installed(tls)];
}

/** The authority was asked for a certificate for these names; should it refuse, the timer goes on asking. */
function issued(tls: AcmeTls): Resource<IssueState> {
  return {
    id: `certificate of ${new URL(tls.directory).host}`,
    check: readIssueState,
    plan(state) {
      const reason = dueFor(tls, state);
      if (reason === null || (isAbout(state.record, tls) && state.record.failure)) return [];
      const summary = `ask for a certificate for ${tls.names.join(', ')} (${reason})`;
      const argv = ['systemctl', 'start', certificateService];
      return [{ do: 'run', summary, argv, mayFail: true, action: state.issued ? 'change' : 'add' }];
    },
    // It comes with time.
    byHand: () => [],
    inverse: () => ({ goal: gone(issuedPath) }),
  };
}

/** A certificate of the person's own; its key comes with an apply and is kept nowhere else. */
function ownCertificate({ chain }: OwnTls, key: string | undefined): Resource<FileState> {
  return {
    id: `certificate ${serverPath}`,
    check: (host) => readFileState(host, serverPath),
    plan({ stat, content }) {
      const there = content?.endsWith(chain) && parse(content)?.keyMatches ? content : null;
      // Drift is looked for without it, and writes nothing.
      const wanted = there ?? (key ?? '') + chain;
      return planWrite(writeServer(wanted, content, 'of tls.cert and tls.key'), stat);
    },
    inverse: () => ({ goal: gone(serverPath) }),
  };
}
