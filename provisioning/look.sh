# Looks at a machine and changes nothing on it: prints lines of `<what> <value>`, the last one is `end`. Plain POSIX, as
# whoever has logged in.
export LC_ALL=C
say() { echo "$1" "$2" 2>/dev/null; }
say clock "$(date +%s.%N)"
say system "$(uname -s)"
if [ -r /etc/os-release ]; then sed 's/^/os /' /etc/os-release; fi
say cpu "$(uname -m)"
say hostname "$(uname -n)"
if [ -d /run/systemd/system ]; then say systemd yes; fi
say virtual "$(systemd-detect-virt 2>/dev/null)"
say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
say memory "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo 2>/dev/null)"
say swap "$(awk '/^SwapTotal:/ { print $2 }' /proc/meminfo 2>/dev/null)"
say disk "$(df -Pk /var 2>/dev/null | awk 'NR == 2 { print $2, $4 }')"
say zone "$(readlink /etc/localtime 2>/dev/null | sed 's|.*/zoneinfo/||')"
say port "${SSH_CONNECTION##* }"
say user "$(id -un)"
may=asks as=
if [ "$(id -u)" = 0 ]; then
  may=root
elif ! command -v sudo >/dev/null; then
  may=none
elif sudo -n true 2>/dev/null; then
  may=free as='sudo -n'
fi
say sudo "$may"
if [ -e /etc/berth/settings.json ]; then say berth there; fi
$as ss -Hltnp 2>/dev/null | sed 's/^/listens /'
echo end
