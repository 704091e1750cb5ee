#!/bin/sh
# SPDX-License-Identifier: MIT
# normalize_test.sh VKGRID: runs normalize_test.py by the Python that has the judges.
python=${VKGRID_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
    echo "skipped: $python has no numpy and Pillow (VKGRID_PYTHON names another)"
    exit 77
fi
exec "$python" "$(dirname "$0")/normalize_test.py" "$(realpath "$1")"
