#!/bin/sh
# SPDX-License-Identifier: MIT
# What people type first, and that help fits a terminal of 80 columns.
# help_test.sh VKGRID
. "$(dirname "$0")/expect.sh"

commands=$("$vkgrid" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 9 ] || fail "vkgrid help lists too few commands: $commands"

# fits WORD...: no line of more than 80 columns, no space at the end of one.
fits() {
    "$vkgrid" "$@" >stdout 2>stderr </dev/null
    [ -s stdout ] || fail "vkgrid $*: prints nothing"
    wide=$(awk 'length > 80' stdout)
    [ -z "$wide" ] || fail "vkgrid $*: wider than 80 columns: $wide"
    ! grep -q ' $' stdout || fail "vkgrid $*: a line ends with a space"
}
fits --help
for command in $commands; do
    fits "$command" --help
    cp stdout long
    for other in "help $command" "$command -h"; do
        # shellcheck disable=SC2086
        "$vkgrid" $other >stdout 2>stderr
        cmp -s stdout long || fail "vkgrid $other: is not vkgrid $command --help"
    done
    grep -q "^usage: vkgrid $command" long || fail "vkgrid $command --help: no usage"
    grep -q '^examples:$' long || fail "vkgrid $command --help: no examples"
done

for word in --help -h help; do
    expect 0 'usage: vkgrid COMMAND' $word
done
for word in --version -V version; do
    expect 0 'vkgrid ' $word
    grep -Eqx 'vkgrid [0-9]+\.[0-9]+\.[0-9]+( \([^ ()]+\))?, numerics [0-9]+' stdout || fail "vkgrid $word: $(cat stdout)"
done
expect 2 'usage: vkgrid COMMAND'
expect 2 'a command is missing; to try it: vkgrid search'
[ ! -s stdout ] || fail 'vkgrid: an error is printed to stdout'
expect 2 'serch: unknown command: did you mean search?' serch
expect 2 'serch: unknown command: did you mean search?' help serch
expect 2 'help: train: one argument too many' help search train
exit $failed
