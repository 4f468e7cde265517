#!/bin/sh
# Tries the wheel in dist/python under every CPython of a manylinux or musllinux image, which has one that
# is as old as can be in everything but Python. `container.sh t` tries the free-threaded ones.
set -eu
cd "$(dirname "$0")"
tried=0
for folder in /opt/python/cp3*-cp3*; do
    case $folder in
    *t) [ "${1:-}" = t ] || continue ;;
    *) [ "${1:-}" = "" ] || continue ;;
    esac
    "$folder/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || continue
    # A wheel of one free-threaded version fits that version only.
    [ "${1:-}" = "" ] || [ "$(basename "$folder")" = cp314-cp314t ] || continue
    "$folder/bin/python" -m venv "/tmp/${folder##*/}"
    "/tmp/${folder##*/}/bin/pip" install -q --no-index --find-links ../../dist/python --only-binary :all: replicant
    "/tmp/${folder##*/}/bin/python" -W error smoke.py
    tried=$((tried + 1))
done
[ "$tried" -gt 0 ]
