-- SPDX-License-Identifier: MIT
BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
    study_id INTEGER NOT NULL PRIMARY KEY,
    study_name VARCHAR(512) NOT NULL);
INSERT INTO "studies" VALUES(1,'own_area');
CREATE TABLE study_directions (
    study_direction_id INTEGER NOT NULL PRIMARY KEY,
    direction VARCHAR(8) NOT NULL,
    study_id INTEGER NOT NULL REFERENCES studies (study_id),
    objective INTEGER NOT NULL,
    UNIQUE (study_id, objective));
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
CREATE TABLE study_system_attributes (
    study_system_attribute_id INTEGER NOT NULL PRIMARY KEY,
    study_id INTEGER REFERENCES studies (study_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (study_id, "key"));
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["validation dice loss"]');
CREATE TABLE study_user_attributes (
    study_user_attribute_id INTEGER NOT NULL PRIMARY KEY,
    study_id INTEGER REFERENCES studies (study_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (study_id, "key"));
CREATE TABLE trial_heartbeats (
    trial_heartbeat_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
    heartbeat DATETIME NOT NULL,
    UNIQUE (trial_id));
CREATE TABLE trial_intermediate_values (
    trial_intermediate_value_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
    step INTEGER NOT NULL,
    intermediate_value FLOAT,
    intermediate_value_type VARCHAR(7) NOT NULL,
    UNIQUE (trial_id, step));
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,7.11608827114105224609e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,1,6.90393686294555664062e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,6.97761356830596923828e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,1,3,6.95877850055694580078e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,0,9.95236575603485107421e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,1,9.95236575603485107421e-01,'FINITE');
CREATE TABLE trial_params (
    param_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER REFERENCES trials (trial_id),
    param_name VARCHAR(512),
    param_value FLOAT,
    distribution_json TEXT,
    UNIQUE (trial_id, param_name));
INSERT INTO "trial_params" VALUES(1,1,'lr',0.001,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 0.02, "log": true}}');
INSERT INTO "trial_params" VALUES(2,2,'lr',0.01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 0.02, "log": true}}');
INSERT INTO "trial_params" VALUES(3,3,'lr',0.02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 0.02, "log": true}}');
CREATE TABLE trial_system_attributes (
    trial_system_attribute_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER REFERENCES trials (trial_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (trial_id, "key"));
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"lr": 0.001}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{"lr": 0.01}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'fixed_params','{"lr": 0.02}');
CREATE TABLE trial_user_attributes (
    trial_user_attribute_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER REFERENCES trials (trial_id),
    "key" VARCHAR(512),
    value_json TEXT,
    UNIQUE (trial_id, "key"));
INSERT INTO "trial_user_attributes" VALUES(1,1,'cell','"grid00000"');
INSERT INTO "trial_user_attributes" VALUES(2,1,'seed','0');
INSERT INTO "trial_user_attributes" VALUES(3,1,'device','"AMD EPYC"');
INSERT INTO "trial_user_attributes" VALUES(4,1,'driver','"oneDNN 2.6.3, 1 thread"');
INSERT INTO "trial_user_attributes" VALUES(5,1,'vkgrid_version','"0.1.0"');
INSERT INTO "trial_user_attributes" VALUES(6,1,'data_fingerprint','"aeec151d8dc8254a"');
INSERT INTO "trial_user_attributes" VALUES(7,1,'run','0');
INSERT INTO "trial_user_attributes" VALUES(8,1,'round','1');
INSERT INTO "trial_user_attributes" VALUES(9,1,'epoch','1');
INSERT INTO "trial_user_attributes" VALUES(10,1,'loss','0.6958778500556946');
INSERT INTO "trial_user_attributes" VALUES(11,1,'weights','"cells/grid00000/best_own.safetensors"');
INSERT INTO "trial_user_attributes" VALUES(12,1,'failed_runs','0');
CREATE TABLE trial_values (
    trial_value_id INTEGER NOT NULL PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
    objective INTEGER NOT NULL,
    value FLOAT,
    value_type VARCHAR(7) NOT NULL,
    UNIQUE (trial_id, objective));
INSERT INTO "trial_values" VALUES(1,1,0,6.95877850055694580078e-01,'FINITE');
CREATE TABLE trials (
    trial_id INTEGER NOT NULL PRIMARY KEY,
    number INTEGER,
    study_id INTEGER REFERENCES studies (study_id),
    state VARCHAR(8) NOT NULL,
    datetime_start DATETIME,
    datetime_complete DATETIME);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-26 19:09:28.346','2026-11-26 19:09:33.352');
INSERT INTO "trials" VALUES(2,1,1,'RUNNING','2026-11-26 19:09:33.461',NULL);
INSERT INTO "trials" VALUES(3,2,1,'WAITING',NULL,NULL);
CREATE TABLE version_info (
    version_info_id INTEGER NOT NULL PRIMARY KEY CHECK (version_info_id = 1),
    schema_version INTEGER,
    library_version VARCHAR(256));
INSERT INTO "version_info" VALUES(1,12,'vkgrid 0.1.0');
CREATE TABLE vkgrid_cells (
    cell INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL UNIQUE REFERENCES trials (trial_id),
    options TEXT NOT NULL);
INSERT INTO "vkgrid_cells" VALUES(0,1,'{"lr": 0.001}');
INSERT INTO "vkgrid_cells" VALUES(1,2,'{"lr": 0.01}');
INSERT INTO "vkgrid_cells" VALUES(2,3,'{"lr": 0.02}');
CREATE TABLE vkgrid_checkpoints (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    state TEXT NOT NULL,     -- JSON: what the host knows of the run, names and hashes of its files
    PRIMARY KEY (cell, run)) WITHOUT ROWID;
INSERT INTO "vkgrid_checkpoints" VALUES(1,0,2,'{"batches": 2, "kept_batches": 2, "correction1": 0, "correction2": 0, "loss_scale": 0, "good_steps": 0, "round_loss": 20345.685546875, "round_dice": 0.9952365756034851, "best_round": 0, "best_loss": 20345.685546875, "best_dice": 0.9952365756034851, "seconds": 1.1802386830004252, "round_best": {"step": 2, "hash": "802bd904db7c54ee"}, "best": {"step": 2, "hash": "802bd904db7c54ee"}}');
CREATE TABLE vkgrid_datasets (
    "key" TEXT PRIMARY KEY, -- data folder, partition, features, size: what chooses it
    fingerprint TEXT NOT NULL);
INSERT INTO "vkgrid_datasets" VALUES(' {"inputs": {"own": ["curvature", "x"]}, "prediction": {"area": ["V1", "V2", "V3"]}} [32, 64] [["sub01", "sub02"], ["sub03"]] [] "data"','aeec151d8dc8254a');
CREATE TABLE vkgrid_epochs (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,   -- epochs before it, over all rounds
    round INTEGER NOT NULL, epoch INTEGER NOT NULL, lr REAL NOT NULL, seconds REAL NOT NULL,
    trn_bce REAL, trn_dice REAL, trn_loss REAL, val_bce REAL, val_dice REAL, val_loss REAL,
    best INTEGER NOT NULL,   -- 1: lowest validation loss of the round so far
    PRIMARY KEY (cell, run, step)) WITHOUT ROWID;
INSERT INTO "vkgrid_epochs" VALUES(0,0,0,0,0,0.001,2.92134885999985272064e-01,1.80649590492248535156e+00,7.35076546669006347656e-01,1.27078616619110107421e+00,1.28649032115936279296e+00,7.11608827114105224609e-01,9.99049603939056396484e-01,1);
INSERT INTO "vkgrid_epochs" VALUES(0,0,1,0,1,9.00000000000000083787e-04,0.15803815199979,1.0236377716064453125e+00,8.91272723674774169921e-01,9.57455217838287353515e-01,1.64013063907623291015e+00,6.90393686294555664062e-01,1.1652622222900390625e+00,0);
INSERT INTO "vkgrid_epochs" VALUES(0,0,2,1,0,0.001,1.83312179000495234504e-01,1.0236377716064453125e+00,8.91272723674774169921e-01,8.91272723674774169921e-01,1.74738490581512451171e+00,6.97761356830596923828e-01,6.97761356830596923828e-01,1);
INSERT INTO "vkgrid_epochs" VALUES(0,0,3,1,1,9.00000000000000083787e-04,1.08085588000903953798e-01,1.73521649837493896484e+00,7.28749215602874755859e-01,7.28749215602874755859e-01,1.73369479179382324218e+00,6.95877850055694580078e-01,6.95877850055694580078e-01,1);
INSERT INTO "vkgrid_epochs" VALUES(1,0,0,0,0,0.01,1.51462814999831607565e-01,1.93580472469329833984e+00,7.42069602012634277343e-01,1.33893716335296630859e+00,14807535.0,9.95236575603485107421e-01,7403768.0,1);
INSERT INTO "vkgrid_epochs" VALUES(1,0,1,0,1,9.00000000000000105471e-03,1.16393379999863100238e-01,202700.53125,9.94304955005645751953e-01,101350.7578125,40690.375,9.95236575603485107421e-01,20345.685546875,1);
CREATE TABLE vkgrid_runs (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    state TEXT NOT NULL,     -- RUNNING, COMPLETE, FAIL, PRUNED; no row: not begun
    attempts INTEGER NOT NULL, -- how often it failed
    device TEXT, driver TEXT,
    best_round INTEGER, loss REAL, dice REAL, -- of the run, by the rule of the plan
    seconds REAL,            -- of training
    failure TEXT,            -- why it failed the last time
    PRIMARY KEY (cell, run)) WITHOUT ROWID;
INSERT INTO "vkgrid_runs" VALUES(0,0,'COMPLETE',0,'AMD EPYC','oneDNN 2.6.3, 1 thread',0,9.99049603939056396484e-01,6.90393686294555664062e-01,4.80261240999971050769e+00,NULL);
INSERT INTO "vkgrid_runs" VALUES(1,0,'RUNNING',0,'AMD EPYC','oneDNN 2.6.3, 1 thread',0,0.0,0.0,0.0,NULL);
CREATE TABLE vkgrid_steps (
    cell INTEGER NOT NULL,
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    metrics BLOB NOT NULL,
    PRIMARY KEY (cell, run, step)) WITHOUT ROWID;
INSERT INTO "vkgrid_steps" VALUES(0,0,0,X'423BE73FFA2D3C3F1FA9A23F');
INSERT INTO "vkgrid_steps" VALUES(0,0,1,X'9006833F732A643FC91B753F');
INSERT INTO "vkgrid_steps" VALUES(0,0,2,X'9006833F732A643F732A643F');
INSERT INTO "vkgrid_steps" VALUES(0,0,3,X'931BDE3F4F8F3A3F4F8F3A3F');
INSERT INTO "vkgrid_steps" VALUES(1,0,0,X'73C8F73F46F83D3F4B62AB3F');
INSERT INTO "vkgrid_steps" VALUES(1,0,1,X'22F34548C58A7E3F61F3C547');
CREATE TABLE vkgrid_study (
    "key" TEXT PRIMARY KEY,
    value TEXT NOT NULL);
INSERT INTO "vkgrid_study" VALUES('format','2');
INSERT INTO "vkgrid_study" VALUES('version','"0.1.0"');
INSERT INTO "vkgrid_study" VALUES('grid','{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2, "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 64], "until": 1, "num_epochs": 2, "plan": [{}, {"bce_weight": 0}], "data_cache_path": "data"}, "hyper": {"lr": [0.001, 0.01, 0.02]}}');
INSERT INTO "vkgrid_study" VALUES('settings','{"sampler": "grid", "log_steps": true, "prune": "none", "matrix": "auto", "keep": "best", "command": {"command": "search", "arguments": ["grid.json"], "data": "data", "out": "out", "device": "cpu", "threads": 1, "matrix": "auto", "seed": null, "precision": null, "pretrained": null, "cells": null, "pack": 1, "keep": "best", "shard": null, "sampler": "grid", "trials": null, "from-optuna": false, "prune": "none", "unprune": false, "retry-failed": false, "checkpoint": "always", "dry-run": false, "log-steps": true, "overwrite": false, "json": false, "quiet": true}}');
INSERT INTO "vkgrid_study" VALUES('progress','{"started": 1795720168, "updated": 1795720174, "work": 126918838704, "work_done": 63459419352, "samples_per_second": 2.679602752641825, "seconds_left": 6.4730204949992185, "packs": [{"device": "AMD EPYC", "label": "resnet18 own area, batch 2, 32x64, 1 slot", "round": 1, "rounds": 2, "epoch": 2, "epochs": 2, "fraction": 0.5, "samples_per_second": 2.679602752641825}]}');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
