#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a script by the Python of the tests that need PyTorch: VKGRID_PYTHON, else the system's.
python=${VKGRID_PYTHON:-/usr/bin/python3}
command -v "$python" >/dev/null || { echo "skipped: no $python (VKGRID_PYTHON names another)"; exit 77; }
exec "$python" -B "$@"
