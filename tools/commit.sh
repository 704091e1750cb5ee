#!/bin/sh
# SPDX-License-Identifier: MIT
# What git says of the commit that this is: v0.1.0-12-gabc123. Fails where this is no clone.
cd "$(dirname "$0")/.." && [ -e .git ] && exec git describe --tags --always --dirty 2>/dev/null
