# SPDX-License-Identifier: MIT
"""What a test written in Python has found wrong: a line each, and how many."""
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print('FAILED:', what)
