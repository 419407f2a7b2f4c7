#!/bin/sh
# usage: bootstrap.sh demo|test
# Brings $VENV (default .venv) up to requirements/<set>.txt and installs mdhub into it,
# editable. Does nothing when that is already so. $PYTHON names the interpreter; without
# a name the newest fitting one on the PATH is taken.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME

wanted=$1
venv=${VENV:-.venv}
named=${PYTHON:-python3}
lock=requirements/$wanted.txt

say() { echo "mdhub: $*"; }
die() {
    echo "mdhub: $*" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# An interpreter that was named is taken or refused; the plain python3 may be too old
# (macOS ships 3.9), so then its newer siblings are asked too.
choose_python() {
    if [ "$named" = python3 ]; then
        set -- python3 python3.13 python3.12 python3.11
    else
        set -- "$named"
    fi
    for candidate in "$@"; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found=$(version_of "$1" || echo 'nothing that runs')
    die "$1: found $found, expected Python 3.11 or newer." \
        "Install one, or name it: make PYTHON=/full/path/to/python3.12"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_be_root() {
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

# Debian and Ubuntu split ensurepip, which venv needs, into a package of its own.
add_ensurepip() {
    short=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    command -v apt-get >/dev/null ||
        die "$python has no ensurepip, expected it for making $venv. Install a complete Python."
    if may_be_root; then
        say "$python has no ensurepip: installing python$short-venv with apt-get"
        as_root apt-get update -qq || die 'apt-get update failed; the reason is above.'
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "python$short-venv" >/dev/null ||
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends python3-venv >/dev/null ||
            die "apt-get could not install python$short-venv; the reason is above."
        "$python" -c 'import ensurepip' 2>/dev/null ||
            die "$python still has no ensurepip. Name another Python: make PYTHON=/full/path"
    else
        die "$python has no ensurepip. Run: sudo apt-get install python$short-venv"
    fi
}

# A moved folder leaves an environment whose programs point to the old place.
venv_fits() {
    new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        grep -qF "$(pwd)" "$venv/bin/activate" || return 1
    [ "$named" = python3 ] || [ "$(version_of "$named")" = "$(version_of "$venv/bin/python")" ]
}

make_venv() {
    python=$(choose_python)
    if [ -e "$venv" ]; then
        [ -f "$venv/pyvenv.cfg" ] || die "$venv exists and is no Python environment; move it away."
        rm -rf "$venv"
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || add_ensurepip
    say "making $venv with Python $(version_of "$python")"
    "$python" -m venv "$venv"
}

pip_install() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
        --no-deps "$@" ||
        die 'pip failed; the reason is above. A proxy or mirror is set with pip config.'
}

install() {
    say "installing $lock: wheels only, checked by hash"
    pip_install --only-binary :all: --require-hashes --requirement "$lock"
    say 'installing mdhub itself, editable'
    pip_install --no-build-isolation --editable .
}

# Programs that tests run for real. Without one its tests are skipped and say so.
add_package() {
    command -v apt-get >/dev/null && may_be_root || return 0
    why=$1
    shift
    say "installing $* with apt-get: $why"
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null 2>&1 ||
        say "$1 could not be installed; its tests are skipped"
}

# MariaDB for the account store, its programs alone, no service; a browser for the console, with
# letters for its Chinese pages. Ubuntu's chromium is a snap, which services cannot start.
add_programs() {
    PATH=$PATH:/usr/sbin command -v mariadbd >/dev/null ||
        add_package 'tests of the account store run on it' mariadb-server-core
    for browser in "${CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable; do
        command -v "$browser" >/dev/null && return
    done
    grep -q '^ID=debian' /etc/os-release 2>/dev/null || return 0
    add_package 'tests of the console run in it' chromium fonts-noto-cjk
}

[ -f "$lock" ] || die "usage: bootstrap.sh demo|test (found no $lock)"

venv_fits || make_venv

# What is installed is known by checksum: a checkout gives files new times, not new contents.
sums() {
    cksum "requirements/$1.txt" pyproject.toml
}

up_to_date() {
    [ -f "$venv/.mdhub-$1" ] && [ "$(sums "$1")" = "$(cat "$venv/.mdhub-$1")" ]
}

# The test set contains the demo set.
if ! up_to_date "$wanted"; then
    rm -f "$venv/.mdhub-demo" "$venv/.mdhub-test"
    install
    sums demo >"$venv/.mdhub-demo"
    [ "$wanted" = demo ] || sums test >"$venv/.mdhub-test"
    [ "$wanted" = demo ] || add_programs
    say "ready: $venv"
fi
