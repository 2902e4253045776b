# Installs packages of Debian where what they bring is not there. Sourced by the scripts that need some, not run.
# shellcheck shell=bash

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "this needs root: $*" >&2
        return 1
    fi
}

apt_updated=
# apt_install PACKAGE...: waits for another apt that is at work.
apt_install() {
    echo "== Installing $*"
    update_apt
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y \
        --no-install-recommends "$@"
}

# Once. One source that can not be reached is no reason to give up: the others may have it all.
update_apt() {
    [ -n "$apt_updated" ] || as_root apt-get -o DPkg::Lock::Timeout=300 update -q || true
    apt_updated=yes
}

# install_missing [THING PACKAGE]...: the packages whose thing, a command, a file or a pattern of files, is not there
install_missing() {
    local missing=()
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || compgen -G "$1" >/dev/null || missing+=("$2")
        shift 2
    done
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
}

# shellcheck disable=SC2034 # all are for who sources this
{
    # What it takes to build a program with the library, the library, and the tests.
    compile_tools=(gcc gcc /usr/include/stdio.h libc6-dev pkg-config pkg-config)
    build_tools=("${compile_tools[@]}" meson meson ninja ninja-build)
    test_tools=(python3 python3 c++ g++ abidiff abigail-tools /usr/include/check.h check
        /usr/include/atomic_ops.h libatomic-ops-dev)
}
