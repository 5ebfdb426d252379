# Shared by the scripts here. Sourced, not run.

say() { printf '%s\n' "outdial: $*"; }
die() { printf '%s\n' "outdial: $*" >&2; exit 1; }

here=$(cd "$(dirname "$0")/.." && pwd)
cache=${OUTDIAL_CACHE:-$here/.cache}

# Where Asterisk 22 with its headers is: "/" if this machine has it, else the root in the cache.
# The environment's ASTERISK_ROOT wins.
asterisk_root() {
    if [ -n "${ASTERISK_ROOT:-}" ]; then
        printf '%s\n' "$ASTERISK_ROOT"
    elif [ -e /usr/include/asterisk.h ] && command -v asterisk >/dev/null 2>&1; then
        printf '/\n'
    else
        printf '%s\n' "$cache/asterisk-22"
    fi
}
