#!/bin/sh
# SPDX-License-Identifier: MIT
# layouts_test.sh VKGRID: runs layouts_test.py by the Python that has the judges, on the tiles of ../shared.
python=${VKGRID_PYTHON:-/usr/bin/python3}
here=$(dirname "$0")
tiles=${VKGRID_SHARED:-$here/../../../shared}/data/em_tiles
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
    echo "skipped: $python has no numpy and Pillow (VKGRID_PYTHON names another)"
    exit 77
fi
if [ ! -d "$tiles" ]; then
    echo "skipped: no folder $tiles"
    exit 77
fi
exec "$python" "$here/layouts_test.py" "$(realpath "$1")" "$(realpath "$tiles")"
