#!/bin/sh
# Reports missing tools for `make quickstart` (or, with `test`, `make test`) and where to get them.
case $(uname -s) in
Linux | Darwin) ;;
*)
    echo "make supports Linux and macOS. On Windows, use WSL; \`cargo test\` works without it." >&2
    exit 1
    ;;
esac
missing=0
need() { # command, purpose, source
    command -v "$1" >/dev/null 2>&1 && return
    echo "missing: $1 ($2). Get it from $3" >&2
    missing=1
}
at_least() { # name, version, minimum, source
    [ "$(printf '%s\n%s\n' "$3" "$2" | sort -V | head -n 1)" = "$3" ] && return
    echo "too old: $1 $2, the minimum is $3. Get it from $4" >&2
    missing=1
}

python=${PYTHON:-python3}
need cargo "for the core" "https://rustup.rs"
need "$python" "for the Python package" "https://python.org, or choose one: make PYTHON=..."
need node "for the npm package" "https://nodejs.org"
need npm "for the npm package" "https://nodejs.org"
[ "$missing" = 0 ] || exit 1

at_least rustc "$(rustc --version | cut -d' ' -f2)" 1.89.0 "https://rustup.rs"
at_least Python "$("$python" -c 'import platform; print(platform.python_version())')" 3.9 "https://python.org"
at_least Node "$(node --version | tr -d v)" 18.0.0 "https://nodejs.org"
"$python" -c 'import venv, ensurepip' 2>/dev/null || {
    echo "missing: Python's venv and ensurepip (on Debian: apt-get install python3-venv)" >&2
    missing=1
}
if [ "${1:-}" = test ]; then
    cargo fmt --version >/dev/null 2>&1 || { echo "missing: rustfmt (rustup component add rustfmt)" >&2; missing=1; }
    cargo clippy --version >/dev/null 2>&1 || { echo "missing: clippy (rustup component add clippy)" >&2; missing=1; }
fi
[ "$missing" = 0 ] || exit 1
