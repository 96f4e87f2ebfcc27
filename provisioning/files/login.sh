# Kept by berth apply. Read by login shells: no core dumps, and one that nobody types into ends after 15 minutes.
ulimit -c 0
case $- in
  *i*)
    if [ -n "${BASH_VERSION-}" ] && [ "${TMOUT-}" != 900 ]; then
      TMOUT=900
      readonly TMOUT
    fi
    ;;
esac
