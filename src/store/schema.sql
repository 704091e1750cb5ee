-- SPDX-License-Identifier: MIT
-- study.db. The first half is Optuna's (schema of 3.2 and later, table and column names theirs); the second half is
-- vkgrid's own, from which a study goes on and a report is made. Times are UTC. A change of the second half is a new
-- STORE_FORMAT (store.h), which older studies are brought to (migrate.c).

CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('v3.2.0.a');
CREATE TABLE version_info (
    version_info_id INTEGER NOT NULL PRIMARY KEY CHECK (version_info_id = 1),
    schema_version INTEGER,
    library_version VARCHAR(256));
CREATE TABLE studies (
    study_id INTEGER NOT NULL PRIMARY KEY,
    study_name VARCHAR(512) NOT NULL);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE TABLE study_directions (
    study_direction_id INTEGER NOT NULL PRIMARY KEY,
    direction VARCHAR(8) NOT NULL,
    study_id INTEGER NOT NULL REFERENCES studies (study_id),
    objective INTEGER NOT NULL,
    UNIQUE (study_id, objective));
CREATE TABLE study_user_attributes (
    study_user_attribute_id INTEGER NOT NULL PRIMARY KEY,
    study_id INTEGER REFERENCES studies (study_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (study_id, "key"));
CREATE TABLE study_system_attributes (
    study_system_attribute_id INTEGER NOT NULL PRIMARY KEY,
    study_id INTEGER REFERENCES studies (study_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (study_id, "key"));
CREATE TABLE trials (
    trial_id INTEGER NOT NULL PRIMARY KEY,
    number INTEGER,
    study_id INTEGER REFERENCES studies (study_id),
    state VARCHAR(8) NOT NULL,
    datetime_start DATETIME,
    datetime_complete DATETIME);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE TABLE trial_user_attributes (
    trial_user_attribute_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER REFERENCES trials (trial_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (trial_id, "key"));
CREATE TABLE trial_system_attributes (
    trial_system_attribute_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER REFERENCES trials (trial_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (trial_id, "key"));
CREATE TABLE trial_params (
    param_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER REFERENCES trials (trial_id),
    param_name VARCHAR(512),
    param_value FLOAT,
    distribution_json TEXT,
    UNIQUE (trial_id, param_name));
CREATE TABLE trial_values (
    trial_value_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
    objective INTEGER NOT NULL,
    value FLOAT,
    value_type VARCHAR(7) NOT NULL,
    UNIQUE (trial_id, objective));
CREATE TABLE trial_intermediate_values (
    trial_intermediate_value_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
    step INTEGER NOT NULL,
    intermediate_value FLOAT,
    intermediate_value_type VARCHAR(7) NOT NULL,
    UNIQUE (trial_id, step));
CREATE TABLE trial_heartbeats (
    trial_heartbeat_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
    heartbeat DATETIME NOT NULL,
    UNIQUE (trial_id));

-- JSON texts under names: version, format, grid, settings, progress (store.h).
CREATE TABLE vkgrid_study (
    "key" TEXT PRIMARY KEY,
    value TEXT NOT NULL);
-- What data the groups of cells were trained on.
CREATE TABLE vkgrid_datasets (
    "key" TEXT PRIMARY KEY, -- features, size, partition, raters, what is normalised: what chooses it
    fingerprint TEXT NOT NULL,
    images TEXT);            -- JSON: names of the validation images, in the order of vkgrid_overlaps: [name...], or of
                             -- cells with folds one such list for each fold, [[name...]...]
-- A cell and the trial that tells of it now: a retry is a new trial.
CREATE TABLE vkgrid_cells (
    cell INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL UNIQUE REFERENCES trials (trial_id),
    options TEXT NOT NULL,  -- JSON: the values of the cell's axes, in the grid's order
    stream INTEGER,         -- what its random numbers are drawn by; NULL: its number
    outside INTEGER NOT NULL DEFAULT 0,   -- 1: the grid has it no more
    reopened INTEGER NOT NULL DEFAULT 0); -- 1: it was over and has more to train; its trial stays as it is until then
CREATE TABLE vkgrid_runs (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    state TEXT NOT NULL,     -- RUNNING, COMPLETE, FAIL, PRUNED; no row: not begun
    attempts INTEGER NOT NULL, -- how often it failed
    device TEXT, driver TEXT,
    best_round INTEGER, loss REAL, dice REAL, -- of the run, by the rule of the plan
    seconds REAL,            -- of training
    failure TEXT,            -- why it failed the last time
    kept_epoch INTEGER,      -- epoch_index of the epoch whose weights are the run's; only of one that is complete
    PRIMARY KEY (cell, run)) WITHOUT ROWID;
CREATE TABLE vkgrid_epochs (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    epoch_index INTEGER NOT NULL, -- epochs before it, over all rounds
    round INTEGER NOT NULL, epoch INTEGER NOT NULL, lr REAL NOT NULL, seconds REAL NOT NULL,
    trn_bce REAL, trn_dice REAL, trn_loss REAL, val_bce REAL, val_dice REAL, val_loss REAL,
    best INTEGER NOT NULL,   -- 1: lowest validation loss of the round so far
    PRIMARY KEY (cell, run, epoch_index)) WITHOUT ROWID;
-- With --log-steps: float32 [optimiser step][bce, dice, loss] of an epoch.
CREATE TABLE vkgrid_step_metrics (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    epoch_index INTEGER NOT NULL,
    metrics BLOB NOT NULL,
    PRIMARY KEY (cell, run, epoch_index)) WITHOUT ROWID;
-- Pixels behind hard Dice and IoU, at the network's size: of a complete run those of its kept_epoch, of others those of
-- the epochs whose weights may be kept.
CREATE TABLE vkgrid_overlaps (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    epoch_index INTEGER NOT NULL,
    labels INTEGER NOT NULL,
    counts BLOB NOT NULL,    -- uint32 [validation image][label][of prediction and target, of prediction, of target]
    PRIMARY KEY (cell, run, epoch_index)) WITHOUT ROWID;
-- Where an unfinished run goes on. Files lie in the folder `checkpoints`.
CREATE TABLE vkgrid_checkpoints (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    epochs_done INTEGER NOT NULL, -- over all rounds
    state TEXT NOT NULL,     -- JSON: what the host knows of the run, names and hashes of its files
    PRIMARY KEY (cell, run)) WITHOUT ROWID;
