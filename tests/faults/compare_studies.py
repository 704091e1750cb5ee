#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are two studies the same, but for what depends on time?

    compare_studies.py [--shards] [--ignore NAME]... STUDY OTHER

Compares study.db table by table, with the numbers of rows replaced by what they stand for, and the files of the folders:
weights and ranking byte for byte, tables without their times. What is left over is a difference too: a checkpoint, a file
under a temporary name, a journal. --shards: one of them was trained in shares; --ignore: a user attribute, setting or column
that may differ. Prints every difference; exit status 1 if there is one.
"""
import argparse
import json
import pathlib
import re
import sqlite3
import sys

TIMES = {"datetime_start", "datetime_complete", "heartbeat", "seconds", "attempts"}
NOT_COMPARED = {"alembic_version", "trial_heartbeats", "sqlite_sequence"}
MOST_SHOWN = 10


def rows(database, query):
    cursor = database.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor]


def read_json(text):
    return None if text is None else json.loads(text)


def database(folder, ignored):
    """{path of a value: value} of study.db."""
    path = folder / "study.db"
    if not path.is_file():
        return {"study.db": "missing"}
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {}
    # Rows that others refer to, by what names them.
    studies = {row["study_id"]: row["study_name"] for row in rows(db, "SELECT * FROM studies")}
    trials = {}
    for row in rows(db, "SELECT * FROM trials"):
        trials[row["trial_id"]] = f"{studies[row['study_id']]}/trial {row['number']}"
    owners = {"study_id": studies, "trial_id": trials}

    # Parameters are shown in the order of their rows.
    for trial, name in trials.items():
        order = rows(db, f"SELECT param_name FROM trial_params WHERE trial_id = {trial} ORDER BY param_id")
        found[f"{name}/order of parameters"] = [row["param_name"] for row in order]

    for table in [row["name"] for row in rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")]:
        if table in NOT_COMPARED:
            continue
        columns = rows(db, f"PRAGMA table_info({table})")
        # A number that only counts rows, and the columns that name a row.
        serial = {c["name"] for c in columns if c["pk"] and c["type"] == "INTEGER" and c["name"].endswith("_id")}
        named = [c["name"] for c in columns if (c["pk"] and c["name"] not in serial) or c["name"] in
                 ("study_id", "trial_id", "key", "param_name", "objective", "step", "number", "study_name")]
        for row in rows(db, f"SELECT * FROM {table}"):
            if row.get("key") in ignored or (table == "vkgrid_study" and row["key"] == "progress"):
                continue
            for column, names in owners.items():
                if column in row:
                    row[column] = names.get(row[column], f"{column} {row[column]} of no row")
            name = "/".join([table] + [f"{column} {row[column]}" for column in named if column in row])
            if table == "vkgrid_study" and row["key"] == "settings":
                row["value"] = {k: v for k, v in read_json(row["value"]).items() if k not in ignored | {"command"}}
            for column, value in row.items():
                if column in named or column in serial or column in TIMES or column in ignored:
                    continue
                if column in ("value_json", "distribution_json", "options"):
                    value = read_json(value)
                if f"{name}/{column}" in found:
                    found[f"{name}/{column}"] = "more than one row"
                found[f"{name}/{column}"] = value
    for check in "integrity_check", "foreign_key_check":
        problems = [tuple(row) for row in db.execute(f"PRAGMA {check}")]
        found[check] = [] if problems == [("ok",)] else problems
    found["unfinished trials"] = [row["trial_id"] for row in rows(db, "SELECT trial_id FROM trials WHERE state = 'RUNNING'")]
    db.close()
    return found


def without_columns(text, unwanted):
    lines = [line.split("\t") for line in text.splitlines()]
    kept = [i for i, name in enumerate(lines[0]) if name not in unwanted]
    return [[line[i] for i in kept if i < len(line)] for line in lines]


def contents(path, ignored):
    if path.suffix == ".tsv":
        return without_columns(path.read_text(), {"seconds", "training_time"} | ignored)
    if path.name == "run.log":  # as the original writes it: epoch, lr, seconds | ...
        return [re.sub(r"^(\s*\d+/\d+\s+\S+\s+)\S+\s*\|", r"\1SECONDS |", line) for line in path.read_text().splitlines()]
    if path.suffix == ".log":
        return re.sub(r" *[0-9.]+ s( \||$)", r" SECONDS\1", path.read_text(), flags=re.MULTILINE).splitlines()
    return path.read_bytes()


def files(folder, ignored):
    """{path: contents} of every other file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in ("study.db", "lock", "report.html"):
            found[name] = contents(path, ignored)
    return found


def short(value):
    text = f"{len(value)} bytes" if isinstance(value, bytes) else repr(value)
    return text if len(text) < 200 else text[:200] + "..."


def differences(one, other):
    for key in sorted(one.keys() | other.keys()):
        if key not in one or key not in other:
            yield f"{key}: only in {'the first' if key in one else 'the second'}"
        elif one[key] != other[key]:
            a, b = one[key], other[key]
            if isinstance(a, list) and isinstance(b, list):  # the first lines that differ
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                a, b = (x[at] if at < len(x) else "its end" for x in (a, b))
            yield f"{key}: {short(a)} and {short(b)}"


def left_over(folder):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (re.search(r"\.tmp$|-journal$|-wal$|-shm$", path.name) or path.parent.name == "checkpoints"):
            yield f"{path}: left over"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", action="store_true")
    parser.add_argument("--ignore", action="append", default=[])
    parser.add_argument("studies", nargs=2, type=pathlib.Path)
    arguments = parser.parse_args()
    ignored = set(arguments.ignore) | ({"shard"} if arguments.shards else set())
    one, other = arguments.studies
    found = list(differences(database(one, ignored), database(other, ignored)))
    kept, kept_other = files(one, ignored), files(other, ignored)
    found += differences(kept, kept_other)
    found += [line for folder in arguments.studies for line in left_over(folder)]
    for line in found[:MOST_SHOWN]:
        print(line)
    if len(found) > MOST_SHOWN:
        print(f"... and {len(found) - MOST_SHOWN} more")
    if not kept:
        print(f"{one}: no files")
    sys.exit(bool(found or not kept))


main()
