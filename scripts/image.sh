#!/bin/sh
# usage: image.sh SERVICE FOLDER
# Puts one service into an environment in FOLDER, the way an image and a host in service get it:
# locked packages checked by hash, then mdhub's own wheel, nothing editable; for ingest also the
# gateways and their locale (FOLDER/share/mdhub/locale, needs a C++ compiler and Debian's
# `locales`). $PYTHON names the interpreter.
set -eu
unset PYTHONPATH PYTHONHOME

die() {
    echo "image.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || die 'expected a service and a folder: sh scripts/image.sh arbiter /opt/mdhub'
service=$1
case $service in
    arbiter | console | ingest | monitor | publisher) ;;
    *) die "service was '$service', expected arbiter, console, ingest, monitor or publisher" ;;
esac
case $2 in
    /*) folder=$2 ;;
    *) folder=$(pwd)/$2 ;;
esac
cd "$(dirname "$0")/.."
[ -e "$folder" ] && die "$folder exists: an installation is made anew, never changed"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
pip() {
    into=$1
    shift
    "$into/bin/python" -m pip install -qq --disable-pip-version-check --no-input --no-deps \
        --only-binary :all: "$@"
}

echo "image.sh: building the wheel"
"${PYTHON:-python3}" -m venv "$scratch/build"
pip "$scratch/build" --require-hashes --requirement requirements/demo.txt
"$scratch/build/bin/python" -m hatchling build -t wheel -d "$scratch/dist" >/dev/null

echo "image.sh: installing $service into $folder"
"${PYTHON:-python3}" -m venv "$folder"
pip "$folder" --require-hashes --requirement requirements/services.txt
pip "$folder" "$scratch"/dist/mdhub-*.whl
if [ "$service" = ingest ]; then
    VENV=$folder "$folder/bin/python" scripts/gateways.py --set newest
fi
"$folder/bin/mdhub" --version >/dev/null || die "what was installed does not run"
echo "image.sh: $("$folder/bin/mdhub" --version) ready in $folder"
