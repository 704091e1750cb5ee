# SPDX-License-Identifier: MIT
"""What bench/gpu does, step by step: the table STEPS, and what each step runs."""
import os
import shlex
import sys

import libraries
from running import NO_TIME, last_json, write_json

HERE = os.path.dirname(os.path.abspath(__file__))
PRECISIONS = ["fp32", "mixed"]
# Numbers of tiles.c (tests/bench/gpu_test.py holds them against it): CONV_DIRECT and the first of each other family.
DIRECT_TILE, SHARED_TILE, MATRIX_TILE, WINOGRAD_TILE = 0, 1, 6, 11
STEP_TILE = 2  # 128x64 in shared memory: the largest of the default's that every GPU has room for
SEVERAL = 4  # slots, where no curve tells how many are best
BARRIERS = ["kernels", "ends"]
ROUNDS = 3  # of what is measured alternately
PIECES = {"VKGRID_PIECE_SLOTS": "2", "VKGRID_DISPATCH_WORK": "3000"}
TORCH = """import torch, torchvision, json
cuda = torch.cuda.is_available()
print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__, "cuda": torch.version.cuda,
                  "device": torch.cuda.get_device_name() if cuda else None}))"""
GRID = {"static": {"partition": [["sub01", "sub02", "sub03", "sub04"], ["sub05", "sub06"]], "raters": [], "image_size": [32, 64],
                   "num_epochs": 1, "gamma": 0.8, "bce_weight": 0.67, "inputs": "anat", "prediction": "area", "until": 1},
        "hyper": {"lr": [0.0005, 0.00167], "batch_size": [2]}}


class LeftOut(Exception):
    """A run that cannot be, with its reason."""


class Run:
    """A program that a step runs."""

    def __init__(self, name, command, environment=None, measures=False, again=False, collect=None, base=None, optional=False,
                 mixed=False, weight=1, partial=None):
        self.name = name
        self.command = command  # or a function of the seconds there are, which may raise LeftOut
        self.environment = {variable: str(value) for variable, value in (environment or {}).items()}
        self.measures = measures  # its output is JSON
        self.again = again  # others need what it makes, so --continue does not take it over
        self.collect = collect  # what it measured, wherever it is
        self.base = base  # environment, in place of that of vkgrid
        self.optional = optional  # it may fail
        self.mixed = mixed  # it needs mixed precision
        self.weight = weight  # of its share of the step's time
        self.partial = partial  # why what it measured is not all; None where it is


class Step:
    def __init__(self, name, seconds, what, runs, side_by_side=False):
        self.name, self.seconds, self.what, self.runs, self.side_by_side = name, seconds, what, runs, side_by_side


def device_runs(session):
    return [Run("devices", [session.options.vkgrid, "devices"])]


def first_runs(session):
    """The first steps of a training ever, small, and a whole study."""
    vkgrid = session.options.vkgrid
    data, grid = os.path.join(session.scratch, "data"), os.path.join(session.scratch, "grid.json")
    write_json(grid, GRID)
    steps = [bench_run(session, f"64x64, {precision}", precision, "--steps", size="64x64", batch="2", seconds="0")
             for precision in PRECISIONS]
    sample = Run("sample", [vkgrid, "sample", data, "--subjects", "6", "--size", "32x64", "--quiet"], again=True)

    def study(precision):
        def command(_):
            if not os.path.isdir(data):
                raise LeftOut("there is no sample")
            return [vkgrid, "search", grid, "-d", data, "-o", os.path.join(session.scratch, f"study-{precision}"), "--overwrite",
                    "--quiet", "--json", "--device", session.device, "--precision", precision]
        return command

    return [sample, *steps, *(Run(f"study, {precision}", study(precision), untuned(session), measures=True,
                                  mixed=precision == "mixed") for precision in PRECISIONS)]


def test_runs(step):
    def runs(session):
        return [test_run(test) for test in session.tests if test.step() == step]
    return runs


def test_run(test, name=None, **environment):
    return Run(name or test.name, [test.program, *test.arguments], {**test.environment, **environment})


def way_runs(session):
    """Each op by each family of convolutions, and in small pieces of memory by parts of a slot."""
    tests = {test.name: test for test in session.tests}
    ways = [("ops", SHARED_TILE, "tiles in shared memory"), ("ops-mixed", SHARED_TILE, "tiles in shared memory"),
            ("ops-mixed", MATRIX_TILE, "matrix units"), ("ops", WINOGRAD_TILE, "Winograd"), ("ops", DIRECT_TILE, "direct"),
            ("ops-mixed", DIRECT_TILE, "direct")]
    listed = test_runs("ways")(session)
    pieces = [test_run(tests[name], f"{name}-ranges", **PIECES) for name in ("ops", "ops-mixed") if name in tests]
    named = {run.name for run in listed}
    return [*listed, *(run for run in pieces if run.name not in named),
            *(test_run(tests[name], f"{name}, {family}", VKGRID_TILE=tile) for name, tile, family in ways if name in tests)]


def bench_command(session, precision, *more, size=None, batch=None, seconds=None):
    options = session.options
    return [options.vkgrid, "bench", "--json", "--quiet", "--device", session.device, "--size", size or options.size,
            "--precision", precision, "--batch-size", batch or options.batch.split(",")[0], "--seconds",
            seconds or options.bench_seconds, *more]


def bench_run(session, name, precision, *more, environment=None, **setting):
    return Run(name, bench_command(session, precision, *more, **setting), {**untuned(session), **(environment or {})},
               measures=True, mixed=precision == "mixed")


def untuned(session):
    """A file of tiles that nobody tunes; beside it is that of pipelines, so that only the first start compiles them."""
    return {"VKGRID_TUNING": os.path.join(session.scratch, "untuned.json")}


def layer_runs(session):
    return [bench_run(session, f"layers, {precision}", precision) for precision in PRECISIONS]


def curve_runs(session):
    batch = session.options.batch.split(",")[0]
    return [bench_run(session, curve_name(precision, batch), precision, "--steps", "--curve") for precision in PRECISIONS]


def curve_name(precision, batch):
    return f"curve, {precision}, batch {batch}"


def best_slots(session, precision, batch=None):
    """How many slots a curve has found to be best; None where there is none."""
    measured = session.measured(curve_name(precision, batch or session.options.batch.split(",")[0]))
    try:
        return int(max(measured["curve"], key=lambda point: point["samples_per_second"])["slots"])
    except (KeyError, TypeError, ValueError):
        return None


def several(session, precision):
    return str(best_slots(session, precision) or SEVERAL)


def step_runs(session):
    return [bench_run(session, f"steps, {precision}, {slots} slots", precision, "--steps", "--pack", slots)
            for precision in PRECISIONS for slots in dict.fromkeys(["1", several(session, precision)])]


def family_runs(session):
    """What the defaults of a GPU, Winograd in fp32 and matrix units in mixed precision, are measured against."""
    tile = {"VKGRID_TILE": STEP_TILE}
    layers = [bench_run(session, f"layers, {precision}, shared", precision, environment=tile)
              for precision in PRECISIONS]
    slots = {precision: several(session, precision) for precision in PRECISIONS}
    steps = [bench_run(session, f"steps, {precision}, {slots[precision]} slots, shared", precision, "--steps", "--pack",
                       slots[precision], environment=tile) for precision in PRECISIONS]
    if "matrix units are there but not used" in session.record["device"].get("features", ""):
        steps.append(bench_run(session, f"steps, mixed, {slots['mixed']} slots, matrix units", "mixed", "--steps", "--pack",
                               slots["mixed"], "--matrix", "on"))
    return [*layers, *steps]


def barrier_runs(session):
    """Alternately, so that what else the device does slows either kind."""
    counts = {precision: dict.fromkeys(["1", several(session, precision)]) for precision in PRECISIONS}
    return [bench_run(session, f"barriers, {precision}, {slots} slots, {kind}, round {number + 1}", precision, "--steps",
                      "--pack", slots, environment={"VKGRID_BARRIER": kind})
            for number in range(ROUNDS) for precision in reversed(PRECISIONS) for slots in counts[precision]
            for kind in (BARRIERS if number % 2 == 0 else reversed(BARRIERS))]


def tune_runs(session):
    """The widest packs in mixed precision first, and what comes of it."""
    tuning = {"VKGRID_TUNING": os.path.join(session.scratch, "tuning.json")}

    def command(precision, slots):
        def limited(seconds):  # a convolution that has begun is measured to its end, with many kernels to compile
            return bench_command(session, precision, "--tune", "--pack", slots, "--limit", str(max(1, int(seconds / 2))))
        return limited

    result = []
    for precision in reversed(PRECISIONS):
        slots = several(session, precision)
        result += [Run(f"tune, {precision}, {slots} slots", command(precision, slots), tuning, measures=True, again=True,
                       mixed=precision == "mixed", weight=4),
                   bench_run(session, f"tuned steps, {precision}, {slots} slots", precision, "--steps", "--pack", slots,
                             environment=tuning)]
    return result


def compare_runs(session):
    python = shlex.split(session.options.python)
    own = {**os.environ, **session.driver_variables}
    path = os.path.join(session.scratch, "compare.json")

    def command(seconds):
        if not session.measured("PyTorch"):
            raise LeftOut(f"no PyTorch: {session.reason('PyTorch')}")
        return compare_command(session, path, seconds)

    def collect(_):
        try:
            with open(path, encoding="utf-8") as file:
                return last_json(file.read())
        except OSError:
            return None

    def partial(measured):
        late = [each for each in measured["results"] if each.get("unavailable") == NO_TIME]
        return f"{NO_TIME} for {len(late)} of {len(measured['results'])} settings" if late else None

    return [Run("PyTorch", [*python, "-c", TORCH], measures=True, again=True, base=own, optional=True),
            Run("comparison", command, {"VKGRID_TUNING": "off"}, collect=collect, base=own,
                partial=partial)]


def compare_command(session, path, seconds):
    """bench/compare writes its file after every process, so that it says something even if it is stopped."""
    options = session.options
    vkgrid = options.vkgrid
    if "LD_LIBRARY_PATH" in session.environment:  # is not PyTorch's
        vkgrid = libraries.wrapper(vkgrid, session.environment, session.scratch)
    known = [f"{batch}:{precision}:{best_slots(session, precision, batch)}" for batch in options.batch.split(",")
             for precision in PRECISIONS if best_slots(session, precision, batch)]
    return [sys.executable, os.path.join(HERE, "compare"), "--device", session.device, "--vkgrid", vkgrid, "--python",
            options.python, "--batch", options.batch, "--size", options.size, "--seconds", "1", "--rounds", "3", "--limit",
            "150", "--budget", f"{max(1, seconds - min(10, seconds / 4)):.1f}", "--json", path,
            *(["--slots", ",".join(known)] if known else [])]


def batch_runs(session):
    return [bench_run(session, curve_name(precision, batch), precision, "--steps", "--curve", batch=batch)
            for batch in session.options.batch.split(",")[1:] for precision in PRECISIONS]


# In this order; seconds are shares of --seconds, which these add up to by default.
STEPS = [
    Step("devices", 5, "what vkgrid says of the devices", device_runs),
    Step("first", 45, "steps at 64x64, a study of a sample of 32x64", first_runs),
    Step("ops", 45, "self-tests; each op against the reference", test_runs("ops")),
    Step("tests", 85, "the other short tests of a device", test_runs("tests"), side_by_side=True),
    Step("ways", 45, "the ops by each family of convolutions, and in pieces", way_runs, side_by_side=True),
    Step("layers", 55, "peaks, each convolution, a step of one slot", layer_runs),
    Step("curve", 50, "steps by slots", curve_runs),
    Step("steps", 20, "whole steps of one slot and of as many as are best", step_runs),
    Step("families", 40, "the same by tiles in shared memory", family_runs),
    Step("barriers", 40, "steps by kind of barrier, alternately", barrier_runs),
    Step("tune", 45, "tiles tuned, and steps with them", tune_runs),
    Step("compare", 55, "bench/compare: PyTorch", compare_runs),
    Step("batches", 5, "steps by slots of the other batch sizes", batch_runs),
    Step("long", 5, "long tests of a device", test_runs("long"), side_by_side=True),
]
