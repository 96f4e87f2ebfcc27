#!/bin/sh
# Kept by berth apply. Puts back what a risky change has changed, unless a new login has confirmed it. Started by
# berth-undo.timer, by a boot ($2) and by the next apply; $1 is the directory of provisioning/guard/batch.ts. It needs
# coreutils and systemctl alone, so that no change can have broken it. What is done twice is harmless.
set -u
umask 077
export LC_ALL=C.UTF-8
cd "$1" || exit 1
when=${2-}
failed=0

tried() {
  "$@" && return
  echo "failed: $*" >&2
  failed=1
}

# The run that is in the middle of these changes would go on with them.
end_run() {
  [ ! -e "$1/changed" ] && [ -s "$1/invocation" ] || return 0
  running=$(systemctl show --property=InvocationID --value berth-run.service)
  [ "$running" != "$(cat "$1/invocation")" ] || systemctl kill --signal=SIGKILL berth-run.service
}

# Backwards: what stands in a directory goes before the directory.
remove_new() {
  while IFS= read -r path; do
    if [ -d "$path" ] && [ ! -L "$path" ]; then
      tried rmdir --ignore-fail-on-non-empty -- "$path"
    else
      tried rm -f -- "$path"
    fi
  done <"$1/absent"
}

put_back() {
  while read -r kind one two path; do
    case $kind in
      directory) tried restore_directory "$one" "$two" "$path" ;;
      file) same "$1/files/$one" "$path" || tried restore_file "$1/files/$one" "$path" ;;
    esac
  done <"$1/present"
}

restore_directory() {
  if [ ! -d "$3" ] || [ -L "$3" ]; then
    rm -f -- "$3" && mkdir -- "$3" || return
  fi
  chown -h -- "$2" "$3" && chmod -- "$1" "$3"
}

same() {
  [ "$(stat -c '%F %a %u %g %y' -- "$1")" = "$(stat -c '%F %a %u %g %y' -- "$2" 2>/dev/null)" ] || return
  if [ -L "$1" ]; then [ "$(readlink -- "$1")" = "$(readlink -- "$2")" ]; else cmp -s -- "$1" "$2"; fi
}

# Whole or not at all, and under an ending that sudo, sshd and systemd skip.
restore_file() {
  beside="$(dirname -- "$2")/.$(basename -- "$2").berth-undo.swp"
  rm -f -- "$beside" && cp -a -T -- "$1" "$beside" || {
    rm -f -- "$beside"
    return 1
  }
  # It fails where it would follow a symlink to nowhere.
  sync -- "$beside" 2>/dev/null
  mv -f -T -- "$beside" "$2"
}

# Makes running programs go by the files again: a word a line, an empty line ends a command.
tell_programs() {
  tried systemctl daemon-reload
  # At a boot they have not started yet, and asking for that from here would wait for itself.
  [ "$when" != boot ] || return 0
  set --
  while IFS= read -r word <&3; do
    if [ -n "$word" ]; then
      set -- "$@" "$word"
    else
      tried timeout 30 "$@"
      set --
    fi
  done 3<"$batch/restore"
}

# As history.ts reads it; each line begins anew after one that a power cut has left unfinished.
record() {
  at=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
  begun='{"verb":"undo","app":null,"what":"not confirmed","by":"the machine","user":null,"from":null}'
  printf '\n{"id":"%s","at":"%s","begun":%s}\n{"id":"%s","at":"%s","ended":{"result":"done","seconds":0}}\n' \
    "$1" "$at" "$begun" "$1" "$at" >>../history.ndjson
}

# This rename decides between undo and confirm, which renames the same directory: one of them finds it.
for armed in armed.*; do
  [ ! -d "$armed" ] || mv -T -- "$armed" "undoing.${armed#armed.}"
done
sync .
for batch in undoing.*; do
  [ -d "$batch" ] || continue
  end_run "$batch"
  remove_new "$batch"
  put_back "$batch"
  sync
  tell_programs
  [ "$failed" = 0 ] || exit 1
  rm -rf -- "$batch/files"
  mv -T -- "$batch" "undone.${batch#undoing.}"
  record "${batch#undoing.}"
  echo "the changes of $(cat "undone.${batch#undoing.}/by") were not confirmed and are taken back"
done
