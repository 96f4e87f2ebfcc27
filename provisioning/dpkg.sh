# Runs a program of apt or dpkg. Not every lock of theirs is waited for by themselves: one that somebody else holds
# (unattended upgrades, an earlier run of ours that was left behind) is tried again for up to five minutes.
patiently() {
  tries=0
  until said=$("$@" 2>&1); do
    tries=$((tries + 1))
    case $said in
      *'lock was locked'* | *'is locked by'* | *'ould not get lock'* | *'nable to lock'*)
        [ "$tries" -le 300 ] || { echo "$said" >&2 && return 1; }
        ;;
      *)
        echo "$said" >&2
        return 1
        ;;
    esac
    sleep 1
  done
}
