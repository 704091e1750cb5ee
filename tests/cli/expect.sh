# SPDX-License-Identifier: MIT
# Sourced by the tests here with the program as $1: works in a folder of its own, sets $failed.
set -u
vkgrid=$(realpath "$1")
home=$(mktemp -d) || exit 1
trap 'rm -rf "$home"' EXIT
cd "$home" || exit 1
failed=0

fail() {
    echo "FAILED: $*" >&2
    sed 's/^/    /' stderr >&2
    failed=1
}

# expect STATUS TEXT ARGUMENT...: exit status, a text in what is printed, and nothing written but what stands here already.
expect() {
    status=$1 text=$2
    shift 2
    before=$(find . | sort)
    "$vkgrid" "$@" >stdout 2>stderr </dev/null
    got=$?
    [ $got -eq "$status" ] || fail "vkgrid $*: exit status $got, not $status"
    grep -qF -- "$text" stdout stderr || fail "vkgrid $*: nothing says \"$text\""
    if [ "$status" -ne 0 ]; then
        [ "$(grep -c '^vkgrid: ' stderr)" -eq 1 ] || fail "vkgrid $*: not one line of error"
        [ "$(find . | sort)" = "$before" ] || fail "vkgrid $*: something was written"
    fi
}
touch stdout stderr
