# Run by berth-mounts.service at each boot, before any service that makes files there: what lies in directories that
# everybody may write to is neither a program nor a device. A directory on another file system becomes a mount of its
# own, so that it can have options; nothing in it moves.
for path in /dev/shm /tmp; do
  mountpoint -q "$path" || mount --bind "$path" "$path"
  mount -o "remount,bind,nosuid,nodev,noexec" "$path"
done
