#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The p of model_set.h against numpy, which judges every set by itself, with its own draws: model_set_test.py PROGRAM

Both have 10,000 resamples, so that a p differs by its Monte Carlo error: five standard deviations are allowed.
"""
import os
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    print('skipped: no numpy')
    sys.exit(77)

PROGRAM = os.path.abspath(sys.argv[1])
RESAMPLES = 10000


def statistics(values):
    """R and S of models x subjects, by the residuals of a two-way table."""
    rest = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + values.mean()
    models, subjects = values.shape
    return numpy.ptp(values.mean(1)), numpy.sqrt((rest ** 2).sum() / ((models - 1) * (subjects - 1)))


def own_p(values, error, rng):
    """The p of each model, in the order of their means."""
    order = numpy.argsort(-values.mean(1), kind='stable')
    values = values[order]
    models, subjects = values.shape
    p = numpy.ones(models)
    largest = 0.0
    for m in range(models, 1, -1):
        some = values[:m]
        observed_range, observed_scale = statistics(some)
        centred = some - some.mean(1, keepdims=True)
        draws = rng.integers(0, subjects, (RESAMPLES, subjects))
        means = numpy.empty((RESAMPLES, m))
        scales = numpy.empty(RESAMPLES)
        for b in range(RESAMPLES):
            drawn = centred[:, draws[b]]
            means[b] = drawn.mean(1)
            scales[b] = statistics(drawn)[1]
        means += error * rng.standard_normal(means.shape)
        reached = (numpy.ptp(means, axis=1) * observed_scale >= observed_range * scales).sum()
        largest = max(largest, (1 + reached) / (1 + RESAMPLES))
        p[m - 1] = largest
    result = numpy.empty(models)
    result[order] = p
    return result


def check(name, values, error, rng):
    with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
        numpy.savetxt(file, values, fmt='%.9g')
        file.flush()
        models, subjects = values.shape
        text = subprocess.run([PROGRAM, file.name, str(models), str(subjects), str(error)],
                              stdout=subprocess.PIPE, check=True, text=True).stdout
    theirs = numpy.array([float(line) for line in text.split()])
    ours = own_p(values, error, rng)
    allowed = 5 * numpy.sqrt(2 * ours * (1 - ours) / RESAMPLES) + 1e-3
    worst = numpy.abs(theirs - ours).max()
    print(f'{name}: p {ours.min():.4f} to {ours.max():.4f}, largest difference {worst:.4f}')
    if (numpy.abs(theirs - ours) > allowed).any():
        print(f'FAILED: {name}: {theirs} instead of {ours}')
        return False
    return True


def main():
    rng = numpy.random.default_rng(5)
    good = True
    cases = ('pair', 2, 12, 0.03, 0), ('eight', 8, 33, 0.008, 0), ('six, runs', 6, 20, 0.01, 0.012)
    for name, models, subjects, step, error in cases:
        values = 0.8 + 0.08 * rng.standard_normal(subjects) + 0.05 * rng.standard_normal((models, subjects))
        values -= step * numpy.arange(models)[:, None]
        good &= check(name, values[rng.permutation(models)].astype(numpy.float32).astype(float), error, rng)
    sys.exit(not good)


main()
