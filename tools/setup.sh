#!/bin/sh
# Makes the virtual environment given as the first argument and installs the project with its
# tests into it. Does nothing if that was done before for the same pyproject.toml, constraints and
# script.
set -eu

venv=$1
python=${PYTHON:-python3}
stamp=$venv/.installed
key=$(cat pyproject.toml constraints.txt "$0" | "$python" -c \
    'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')

"$python" - <<'CHECK'
import sys

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(
        f"codesign needs Python 3.11, 3.12 or 3.13 (got {sys.version.split()[0]}). "
        "Name another: make PYTHON=python3.11 ..."
    )
CHECK

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
    exit 0
fi
echo "Installing into $venv ..."
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable '.[test]'
echo "$key" > "$stamp"
