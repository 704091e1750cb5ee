# SPDX-License-Identifier: MIT
# The cells of a grid file, enumerated independently of vkgrid: published.py GRID.json
# One line a cell: number, then the values of hyper in file order, compact JSON, tab-separated.
import json
import math
import sys

hyper = json.load(open(sys.argv[1]))["hyper"]
for number in range(math.prod(len(values) for values in hyper.values())):
    rest, picked = number, []
    for values in hyper.values():
        picked.append(json.dumps(values[rest % len(values)]))
        rest //= len(values)
    print(number, *picked, sep="\t")
