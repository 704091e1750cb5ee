#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the bytes of a file as C numbers: embed.sh INPUT OUTPUT
set -eu
od -An -v -tu1 "$1" | sed 's/[0-9][0-9]*/&,/g' > "$2"
