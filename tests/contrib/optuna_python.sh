# SPDX-License-Identifier: MIT
# Sourced by the tests that need Optuna: writes ./python, a command that runs this machine's Python or that of the current Debian
# which .ci/run makes, on the machine's own files, with its own /usr/share, where Debian's plotly looks for a part of itself.
# optuna_python MODULE...: the first of both that has these modules; else fails.
optuna_python() {
    cat >python <<'END'
#!/bin/sh
exec python3 -B "$@"
END
    chmod +x python
    imports=$(printf 'import %s\n' "$@")
    ./python -c "$imports" 2>>stderr && return
    cat >python <<'END'
#!/bin/sh
userland=${VKGRID_CACHE:-/var/tmp}/vkgrid-userland
export userland
exec unshare --mount --propagation private sh -euc '
    mount --bind "$userland/usr/share" /usr/share
    libraries=$userland/usr/lib/x86_64-linux-gnu
    blas=$libraries/openblas-pthread:$libraries/blas:$libraries/lapack
    export PYTHONHOME="$userland/usr"
    exec "$userland/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$blas" \
        "$userland/usr/bin/python3" -B "$@"' sh "$@"
END
    ./python -c "$imports" 2>>stderr
}
