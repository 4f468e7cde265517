#!/bin/sh
# Tests the wheel in dist/python under every CPython of a manylinux or musllinux image, the oldest supported
# system. `container.sh t` tests the free-threaded ones.
set -eu
cd "$(dirname "$0")"
tested=0
for folder in /opt/python/cp3*-cp3*; do
    case $folder in
    *t) [ "${1:-}" = t ] || continue ;;
    *) [ "${1:-}" = "" ] || continue ;;
    esac
    "$folder/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || continue
    # A wheel for a free-threaded Python supports one version only.
    [ "${1:-}" = "" ] || [ "$(basename "$folder")" = cp314-cp314t ] || continue
    "$folder/bin/python" -m venv "/tmp/${folder##*/}"
    "/tmp/${folder##*/}/bin/pip" install -q --no-index --find-links ../../dist/python --only-binary :all: 'replicant[testing]'
    "/tmp/${folder##*/}/bin/python" -W error smoke.py
    tested=$((tested + 1))
done
[ "$tested" -gt 0 ]
