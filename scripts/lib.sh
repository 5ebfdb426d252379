# Shared by the scripts here. Sourced, not run.

say() { printf '%s\n' "outdial: $*"; }
die() { printf '%s\n' "outdial: $*" >&2; exit 1; }

here=$(cd "$(dirname "$0")/.." && pwd)
cache=${OUTDIAL_CACHE:-$here/.cache}

# The Debian release that has this major version of Asterisk.
asterisk_suite() {
    case $1 in
        16) printf 'bullseye\n' ;;
        22) printf 'forky\n' ;;
        *) die "ASTERISK=$1: 16 or 22" ;;
    esac
}

# Where Asterisk with its headers is: the root of that version in the cache if the environment's
# ASTERISK names one; else "/" if this machine has it, else the root of version 22.
# The environment's ASTERISK_ROOT wins.
asterisk_root() {
    if [ -n "${ASTERISK_ROOT:-}" ]; then
        printf '%s\n' "$ASTERISK_ROOT"
    elif [ -z "${ASTERISK:-}" ] && [ -e /usr/include/asterisk.h ] && command -v asterisk >/dev/null 2>&1; then
        printf '/\n'
    else
        printf '%s\n' "$cache/asterisk-${ASTERISK:-22}"
    fi
}
