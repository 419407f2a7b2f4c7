#!/bin/sh
# usage: test-all.sh [INTERPRETER...]
# Runs `make test` with each interpreter, each in an environment of its own.
# Given none, it takes what the PATH has. A version without an interpreter is named.
set -eu
cd "$(dirname "$0")/.."

promised='3.11 3.12 3.13'

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

if [ $# -eq 0 ]; then
    for version in $promised; do
        found=$(command -v "python$version" || true)
        if [ -n "$found" ] && version_of "$found" >/dev/null; then set -- "$@" "$found"; fi
    done
fi

for python in "$@"; do
    version_of "$python" >/dev/null || {
        echo "test-all: $python is no Python that runs; give full paths in PYTHONS" >&2
        exit 1
    }
done

covered=' ' failed=''
for python in "$@"; do
    version=$(version_of "$python")
    covered="$covered$version "
    echo "==> Python $version: $python"
    "${MAKE:-make}" --no-print-directory test PYTHON="$python" VENV=".venv-$version" || failed="$failed $version"
done

echo '==> summary'
for version in $promised; do
    case $covered in
        *" $version "*) ;;
        *) echo "not tested: $version (no interpreter found; give its full path in PYTHONS)" ;;
    esac
done
[ "$covered" != ' ' ] || { echo 'nothing was tested' >&2; exit 1; }
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
echo "passed:${covered% }"
