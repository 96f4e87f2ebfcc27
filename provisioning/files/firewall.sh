# Kept by berth apply. What berth-firewall.service runs: loads the table in one transaction, then who logged in through
# Berth within a day, and writes down what is loaded now, for `berth plan` to compare.
set -eu
rules=/etc/berth/firewall.nft
operators=/var/lib/berth/operators
loaded=/run/berth/loaded/berth-firewall

nft -f "$rules"

# Apart, so that nothing in there can keep the table from being loaded.
[ ! -d "$operators" ] || find "$operators" -type f -mmin -1440 -printf '%f\n' | while read -r address; do
  case $address in
    *:*) set=operators6 ;;
    *) set=operators4 ;;
  esac
  echo "add element inet berth $set { $address }"
done | nft -f - || echo 'the operators of the last day are not known' >&2

nft --stateless --terse list table inet berth >"$loaded.rules"
sha256sum "$rules" "$0" >"$loaded.service"
