#!/bin/sh
# SPDX-License-Identifier: MIT
# with_nibabel.sh TEST.py VKGRID: runs the test by the Python that has the judges, where there are fsaverage5's surfaces.
here=$(dirname "$0") python=${VKGRID_PYTHON:-/usr/bin/python3}
shared=${VKGRID_SHARED:-$here/../../../shared}
if ! "$python" -c 'import nibabel, numpy, scipy' 2>/dev/null; then
    echo "skipped: $python has no nibabel, numpy and scipy (VKGRID_PYTHON names another)"
    exit 77
fi
if [ ! -d "$shared/data/fsaverage5" ]; then
    echo "skipped: no $shared/data/fsaverage5 (VKGRID_SHARED names another folder)"
    exit 77
fi
exec "$python" "$1" "$(realpath "$2")" "$(realpath "$shared")/data/fsaverage5"
