# SPDX-License-Identifier: MIT
"""A study.db of vkgrid is Optuna's own: read back through Optuna's public interface and held against the grid file and
vkgrid's tables. optuna_test.py OUT GRID.json"""
import importlib.util
import itertools
import json
import sqlite3
import sys

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

out, grid_file = sys.argv[1:]
hyper = json.load(open(grid_file))["hyper"]
database = sqlite3.connect(f"{out}/study.db")
url = f"sqlite:///{out}/study.db"

names = optuna.get_all_study_names(url)
assert names == ["own_area"], names
study = optuna.load_study(study_name="own_area", storage=url)
assert study.direction == optuna.study.StudyDirection.MINIMIZE

# A trial per cell, in order, with the parameters of the grid, in its order.
axes = list(hyper)
cells = [dict(zip(axes, reversed(values))) for values in itertools.product(*(hyper[axis] for axis in reversed(axes)))]
assert [trial.number for trial in study.trials] == list(range(len(cells)))
for trial, cell in zip(study.trials, cells):
    assert trial.params == cell and list(trial.params) == axes, (trial.params, cell)
    assert trial.distributions == {
        "lr": FloatDistribution(0.0005, 0.01, log=True),
        "batch_size": IntDistribution(1, 2),
        "base_model": CategoricalDistribution(["resnet18"]),
    }, trial.distributions

# States, values, intermediate values, attributes: the same numbers as in vkgrid's own tables.
for number, trial in enumerate(study.trials):
    runs = database.execute("SELECT run, loss, device FROM vkgrid_runs WHERE cell = ? ORDER BY run", (number,)).fetchall()
    epochs = database.execute("SELECT epoch_index, min(val_dice) FROM vkgrid_epochs WHERE cell = ? GROUP BY epoch_index ORDER BY epoch_index", (number,))
    assert trial.intermediate_values == dict(epochs), (trial.intermediate_values, number)
    assert len(trial.intermediate_values) == 4
    assert trial.state == TrialState.COMPLETE and trial.datetime_start <= trial.datetime_complete
    lowest = [dice for dice, in database.execute("SELECT min(val_dice) FROM vkgrid_epochs WHERE cell = ? AND best GROUP BY run", (number,))]
    assert abs(trial.value - sum(lowest) / len(lowest)) < 1e-12 and len(lowest) == 2, (trial.value, lowest)  # ranked by the mean
    attributes = trial.user_attrs
    wanted = {"cell", "seed", "run", "round", "epoch", "loss", "device", "driver", "vkgrid_version", "data_fingerprint", "weights",
              "failed_runs"}
    assert wanted <= attributes.keys(), wanted - attributes.keys()
    assert attributes["cell"] == f"grid{number:05}" and attributes["failed_runs"] == 0
    assert attributes["device"] == runs[attributes["run"]][2]
assert study.best_trial.value == min(trial.value for trial in study.trials)
ranking = json.load(open(f"{out}/hyperparameters/own_area.json"))
assert ranking[0]["name"] == study.best_trial.user_attrs["cell"]
assert open(f"{out}/{study.best_trial.user_attrs['weights']}", "rb").read(8)

# Importances, parallel coordinates, a sampler that looks at the trials.
evaluators = [optuna.importance.PedAnovaImportanceEvaluator()]
if importlib.util.find_spec("sklearn"):
    evaluators.append(optuna.importance.FanovaImportanceEvaluator(seed=0))
for evaluator in evaluators:
    importances = optuna.importance.get_param_importances(study, evaluator=evaluator)
    print(type(evaluator).__name__, importances)
    assert set(importances) <= set(axes) and "lr" in importances
plots = 0
for backend in "plotly", "matplotlib":
    if importlib.util.find_spec(backend):
        module = optuna.visualization if backend == "plotly" else optuna.visualization.matplotlib
        for plot in "parallel_coordinate", "intermediate_values", "optimization_history", "slice":
            assert getattr(module, f"plot_{plot}")(study)
            plots += 1
print(f"{plots} plots" if plots else "skipped: plots: neither plotly nor matplotlib")
memory = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=2))
memory.add_trials(study.get_trials(states=[TrialState.COMPLETE]))
asked = memory.ask(study.best_trial.distributions).params
assert 0.0005 <= asked["lr"] <= 0.01, asked
