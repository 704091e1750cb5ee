#!/bin/sh
# SPDX-License-Identifier: MIT
# judged_test.sh VKGRID TEST.py: runs a test by the Python that has the judges.
python=${VKGRID_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import numpy, PIL, scipy.ndimage' 2>/dev/null; then
    echo "skipped: $python has no numpy, Pillow and scipy (VKGRID_PYTHON names another)"
    exit 77
fi
exec "$python" "$2" "$(realpath "$1")"
