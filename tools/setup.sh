#!/bin/sh
# Brings a machine to where every make target works: system packages (Debian, Ubuntu), a virtual
# environment in .venv, the Python packages of constraints.txt. Runs again only where something is missing.
set -eu
cd "$(dirname "$0")/.."

need=""
command -v qemu-system-arm >/dev/null || need="$need qemu-system-arm"
command -v qemu-riscv32 >/dev/null || need="$need qemu-user"
command -v gcc >/dev/null || need="$need gcc libc6-dev"
command -v git >/dev/null || need="$need git"
command -v ser2net >/dev/null || [ -x /usr/sbin/ser2net ] || need="$need ser2net"
# CI also builds xipnet into a MicroPython of others, which takes GCC for Arm (about 100 MB).
[ -z "${CI:-}" ] || command -v arm-none-eabi-gcc >/dev/null ||
    need="$need make gcc-arm-none-eabi libnewlib-arm-none-eabi"
[ -z "${CI:-}" ] || command -v cmake >/dev/null || need="$need cmake"
python3 -c 'import ensurepip, venv' 2>/dev/null || need="$need python3-venv"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "setup: Python 3.11 or newer is needed as python3; found: $(python3 --version 2>&1)" >&2
    exit 1
}

if [ -n "$need" ]; then
    root=""
    [ "$(id -u)" = 0 ] || root="sudo"
    if ! command -v apt-get >/dev/null || { [ -n "$root" ] && ! command -v sudo >/dev/null; }; then
        echo "setup: please install these first (names of Debian's packages):$need" >&2
        exit 1
    fi
    echo "setup: installing$need"
    $root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $need >/dev/null
fi

stamp=.venv/installed
wanted=$(cat pyproject.toml constraints.txt | sha256sum)
if [ "$(cat $stamp 2>/dev/null)" != "$wanted" ]; then
    echo "setup: installing the Python packages into .venv (about 150 MB to download the first time)"
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
    echo "$wanted" >$stamp
fi
