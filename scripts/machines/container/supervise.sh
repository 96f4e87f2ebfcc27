#!/bin/sh
# Where systemd is not this computer's process 1: boots a container, boots it again when it reboots, ends when it
# powers off. Runs detached, in a mount namespace of its own (unshare --mount), so no mount here is seen outside.
#
#   supervise.sh run ID MEMORY_BYTES ARGV...    MEMORY_BYTES 0: no limit
#   supervise.sh sweep ID                       removes what a killed supervisor left of its control groups
#
# A shell, for it lives as long as the machine does: 1 MB, and it holds on to no Node of any checkout.
set -eu

groups=/sys/fs/cgroup

# systemd inside wants the unified hierarchy at its usual place.
unify() {
  [ "$(stat -f -c %T "$groups")" = cgroup2fs ] && return
  ! mountpoint -q "$groups" || umount -R "$groups"
  mount -t cgroup2 cgroup2 "$groups"
}

# Controllers that this kernel gives to the unified hierarchy; on a computer with cgroups v1 there are none.
delegate() {
  for controller in cpu io memory pids; do
    echo "+$controller" > "$1/cgroup.subtree_control" || true
  done 2>/dev/null
}

limit_memory_v1() {
  [ "$2" -gt 0 ] && [ -f "$groups/memory/memory.limit_in_bytes" ] || return 0
  mkdir -p "$groups/memory/$1"
  echo "$2" > "$groups/memory/$1/memory.limit_in_bytes"
  echo $$ > "$groups/memory/$1/cgroup.procs"
}

limit_memory() {
  [ "$2" -gt 0 ] && [ -f "$1/memory.max" ] || return 0
  echo "$2" > "$1/memory.max"
}

remove_groups() {
  [ -d "$1" ] || return 0
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

sweep() {
  remove_groups "$groups/memory/$1"
  unify
  remove_groups "$groups/$1"
}

supervise() {
  id=$1 memory=$2
  shift 2
  limit_memory_v1 "$id" "$memory"
  unify
  mkdir -p "$groups/$id/keeper" "$groups/$id/machine"
  # From here on `berth` knows this process as the machine's; a group with children may hold no process itself.
  echo $$ > "$groups/$id/keeper/cgroup.procs"
  delegate "$groups"
  delegate "$groups/$id"
  limit_memory "$groups/$id" "$memory"
  while :; do
    code=0
    sh -c 'echo $$ > "$1"; shift; exec "$@"' sh "$groups/$id/machine/cgroup.procs" "$@" || code=$?
    # systemd-nspawn's way to say that the system inside asked for a reboot.
    [ "$code" -eq 133 ] || break
  done
  echo $$ > "$groups/cgroup.procs"
  remove_groups "$groups/$id"
}

# All of it is read before any of it runs: an update of the checkout changes no running supervisor.
main() {
  verb=$1
  shift
  case $verb in
    run) supervise "$@" ;;
    sweep) sweep "$@" ;;
  esac
  exit 0
}

main "$@"
