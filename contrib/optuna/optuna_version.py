# SPDX-License-Identifier: MIT
"""Ends the program where Optuna is older than the tables of study.db, which is less clear in its own words."""
import re
import sys

import optuna

NEEDED = (3, 2)

if tuple(int(part) for part in re.findall(r"\d+", optuna.__version__)[:2]) < NEEDED:
    sys.exit(f"Optuna {optuna.__version__} is too old for study.db and for this: {NEEDED[0]}.{NEEDED[1]} or newer is needed "
             "(pip install -U optuna)")
