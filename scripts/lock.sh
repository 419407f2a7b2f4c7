#!/bin/sh
# Renews the lock files: one set of pins for every Python and platform we promise,
# with the hash of every published wheel, and no address of any index.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONPATH

venv=.lock-venv
[ -x "$venv/bin/uv" ] || {
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --only-binary :all: 'uv~=0.13.8'
}

pin() {
    "$venv/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command 'make lock' "$@"
}

compile() {
    pin --no-build "$@"
}

compile --extra demo pyproject.toml requirements/demo.in --output-file requirements/demo.txt
compile --constraints requirements/demo.txt \
    --extra demo pyproject.toml requirements/demo.in requirements/test.in \
    --output-file requirements/test.txt
# What images and hosts in service install: no embedded server, no tools.
compile --constraints requirements/demo.txt \
    --extra arbiter --extra cli --extra console --extra ingest --extra monitor --extra publisher \
    pyproject.toml --output-file requirements/services.txt
compile requirements/audit.in --output-file requirements/audit.txt
compile requirements/bench.in --output-file requirements/bench.txt
compile --no-deps requirements/bench-vnpy.in --output-file requirements/bench-vnpy.txt
# The gateways are published as source; `make gateways` builds them.
for set in newest pinned; do
    pin --no-deps --constraints requirements/test.txt \
        "requirements/gateways-$set.in" --output-file "requirements/gateways-$set.txt"
done
compile requirements/gateways-build.in --output-file requirements/gateways-build.txt
grep -c '==' requirements/demo.txt requirements/test.txt requirements/services.txt \
    requirements/audit.txt requirements/bench*.txt \
    requirements/gateways-*.txt
