# Kept by berth apply. Read by login shells: no core dumps, no files for everybody, and one that nobody types into ends
# after 15 minutes.
ulimit -c 0
# Debian 12 lets nobody take it from login.defs (pam_umask).
case $(umask) in
  *7) ;;
  *) umask 027 ;;
esac
case $- in
  *i*)
    if [ -n "${BASH_VERSION-}" ] && [ "${TMOUT-}" != 900 ]; then
      TMOUT=900
      readonly TMOUT
    fi
    ;;
esac
