#!/bin/sh
# Makes the virtual environment given as the first argument and installs the project with its
# tests into it, and the two libraries of spiking networks that tests write networks with. Does nothing if that was done before, in this place and with the same Python,
# pyproject.toml, constraints and script.
set -eu

venv=$1
python=${PYTHON:-python3}
stamp=$venv/.installed

if ! command -v "$python" > /dev/null; then
    echo "codesign needs Python 3.11, 3.12 or 3.13 (got none: no '$python' on the path)." \
        "Name it: make PYTHON=python3.11 ..." >&2
    exit 1
fi
# Scripts in an environment name its Python by absolute path, so a moved checkout needs a new one.
key=$("$python" - pyproject.toml constraints.txt "$0" <<'KEY'
import hashlib
import os
import sys

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(
        "codesign needs Python 3.11, 3.12 or 3.13 (got {}). "
        "Name another: make PYTHON=python3.11 ...".format(sys.version.split()[0])
    )
content = hashlib.sha256((sys.version + os.getcwd()).encode())
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        content.update(file.read())
print(content.hexdigest())
KEY
)

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2> /dev/null)" = "$key" ]; then
    exit 0
fi
echo "Installing into $venv ..."
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable '.[test,libraries,figures,dask,search,sensitivity]'
# Their declared dependencies (torchvision, torchaudio) do not fit the torch of constraints.txt.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --no-deps spikingjelly snntorch
echo "$key" > "$stamp"
