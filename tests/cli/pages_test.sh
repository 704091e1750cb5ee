#!/bin/bash
# SPDX-License-Identifier: MIT
# Manual pages and shell completion: each command and each option is in them, and those who read them find no fault.
# pages_test.sh VKGRID FILE...
set -u
vkgrid=$1
shift
failed=0 skipped=''

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

commands=$("$vkgrid" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
options() { "$vkgrid" help "$1" | sed -n 's/^ *\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p'; }
has() { # FILE TEXT
    grep -qF -- "$2" "$1" || fail "$(basename "$1"): has no \"$2\""
}
declare -A at # by name
for file in "$@"; do
    at[${file##*/}]=$(realpath "$file")
done
bash=${at[vkgrid]} zsh=${at[_vkgrid]} fish=${at[vkgrid.fish]}

for command in $commands; do
    page=${at[vkgrid-$command.1]:-}
    [ -n "$page" ] || { fail "vkgrid-$command.1 is not made"; continue; }
    has "${at[vkgrid.1]}" "\\fB$command\\fR"
    for option in $(options "$command"); do
        has "$page" "\\fB\\-\\-${option//-/\\-}\\fR"
        has "$fish" "__fish_seen_subcommand_from $command' -l $option "
        sed -n "/^    $command)/,/;;/p" "$bash" | grep -qE -- "['\" ]--$option['\" ]" || fail "bash: $command has no --$option"
        sed -n "/^    $command)/,/;;/p" "$zsh" | grep -qE -- "--$option[['}]" || fail "zsh: $command has no --$option"
    done
done

# Those that read them.
bash -n "$bash" || fail 'bash cannot read its completion'
for shell in zsh fish; do
    if command -v $shell >/dev/null; then
        $shell -n "${!shell}" || fail "$shell cannot read its completion"
    else
        skipped="$skipped $shell"
    fi
done
for page in "${at[@]}"; do
    case $page in *.1) ;; *) continue ;; esac
    if command -v groff >/dev/null; then
        faults=$(groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null)
        [ -z "$faults" ] || fail "$(basename "$page"): groff: $faults"
    fi
    if command -v mandoc >/dev/null; then
        faults=$(mandoc -Tlint "$page")
        [ -z "$faults" ] || fail "$(basename "$page"): mandoc: $faults"
    fi
done
command -v groff >/dev/null || skipped="$skipped groff"
command -v mandoc >/dev/null || skipped="$skipped mandoc"

# What bash proposes: completes WORDS... = PROPOSALS.
. "$bash"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
mkdir study
touch grid.json weights.pt
completes() {
    local wanted=${!#}
    COMP_WORDS=(vkgrid "${@:1:$#-1}")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _vkgrid
    [ "${COMPREPLY[*]}" = "$wanted" ] || fail "bash proposes \"${COMPREPLY[*]}\" for ${COMP_WORDS[*]}, not \"$wanted\""
}
completes sea search
completes me merge
completes help rep report
completes search --samp --sampler
completes search --keep '' 'none best all'
completes search --keep = b best
completes train --samp ''
completes search -o s study
completes search g grid.json
completes search w ''
completes apply -w w weights.pt
completes status '' study
completes bench --pack '' ''

[ -z "$skipped" ] || echo "skipped: not here:$skipped"
exit $failed
