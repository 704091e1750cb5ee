#!/bin/sh
# SPDX-License-Identifier: MIT
# apply_test.sh VKGRID: runs apply_test.py by the Python that has the judges.
python=${VKGRID_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import numpy, PIL, torch' 2>/dev/null; then
    echo "skipped: $python has no numpy, Pillow and torch (VKGRID_PYTHON names another)"
    exit 77
fi
exec "$python" "$(dirname "$0")/apply_test.py" "$(realpath "$1")"
