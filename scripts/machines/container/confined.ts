/**
 * Wraps a long command so that nothing of it outlives this process, whatever ends it: the kernel kills the wrapper
 * when its parent dies, and with it the command's process namespace; its mounts go with the mount namespace.
 */
export function confined(argv: string[]): string[] {
  return [
    ...['setpriv', '--pdeathsig', 'KILL'],
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
    // What a careful person's umask would make unreadable inside.
    ...['sh', '-c', 'umask 022; exec "$@"', 'sh'],
    ...argv,
  ];
}
