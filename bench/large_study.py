#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A large finished study without training one: what do `vkgrid status` and `vkgrid report` make of 100,000 cells?

    vkgrid search grid.json -d data -o OUT --cells 0
    large_study.py OUT [EPOCHS]

Gives every other cell of OUT/study.db the rows of its first complete cell, with scores of its own (a smooth function of
the cell's parameters, and noise). EPOCHS: epochs of each run that are kept, default: all that the complete cell has.
"""
import sqlite3
import sys

DONE = """
WITH one AS (SELECT cell, trial_id FROM vkgrid_cells JOIN trials USING (trial_id) WHERE state = 'COMPLETE' LIMIT 1)
SELECT cell, trial_id FROM one
"""
# A score of a cell, from 0.1 to 0.9: by its place among the parameters' values, and noise of a tenth.
SCORES = """
CREATE TEMP TABLE score AS
SELECT c.cell, c.trial_id, 0.1 + 0.7 * avg(abs(
    CASE WHEN r.high > r.low THEN (p.param_value - r.low) / (r.high - r.low) ELSE 0 END - 0.4))
    + 0.001 * (c.cell * 7919 % 101) AS dice
FROM vkgrid_cells c JOIN trials t USING (trial_id) JOIN trial_params p USING (trial_id)
JOIN (SELECT param_name, min(param_value) AS low, max(param_value) AS high FROM trial_params GROUP BY 1) r USING (param_name)
WHERE t.state = 'WAITING' GROUP BY c.cell
"""
COPIES = [
    """UPDATE trials SET state = 'COMPLETE', datetime_start = (SELECT datetime_start FROM trials WHERE trial_id = :trial),
       datetime_complete = (SELECT datetime_complete FROM trials WHERE trial_id = :trial)
       WHERE trial_id IN (SELECT trial_id FROM score)""",
    """INSERT INTO trial_values (trial_id, objective, value, value_type) SELECT trial_id, 0, dice, 'FINITE' FROM score""",
    """INSERT INTO trial_user_attributes (trial_id, "key", value_json)
       SELECT s.trial_id, a."key", CASE a."key" WHEN 'cell' THEN printf('"grid%05d"', s.cell) WHEN 'weights' THEN 'null'
       ELSE a.value_json END FROM score s CROSS JOIN trial_user_attributes a WHERE a.trial_id = :trial""",
    """INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
       SELECT s.trial_id, i.step, s.dice, 'FINITE' FROM score s CROSS JOIN trial_intermediate_values i
       WHERE i.trial_id = :trial AND i.step < :epochs""",
]


def columns_of(db, table):
    return [row[1] for row in db.execute(f'PRAGMA table_info({table})')]


def copy_rows(db, table, cell, epochs):
    """The rows of one cell for all others; every score of theirs is the other's."""
    columns = columns_of(db, table)
    values = ', '.join('s.cell' if c == 'cell' else 's.dice' if c in ('dice', 'val_dice') else f'o."{c}"' for c in columns)
    less = 'AND o.epoch_index < :epochs' if 'epoch_index' in columns and table == 'vkgrid_epochs' else ''
    db.execute(f'INSERT INTO {table} SELECT {values} FROM score s CROSS JOIN {table} o WHERE o.cell = :cell {less}',
               {'cell': cell, 'epochs': epochs})


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    db = sqlite3.connect(f'{sys.argv[1]}/study.db')
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 1 << 30
    found = db.execute(DONE).fetchone()
    if not found:
        sys.exit(f'{sys.argv[1]}: no complete cell: vkgrid search ... --cells 0 first')
    cell, trial = found
    db.execute(SCORES)
    for sql in COPIES:
        db.execute(sql, {'trial': trial, 'epochs': epochs})
    for table in 'vkgrid_runs', 'vkgrid_epochs', 'vkgrid_overlaps':
        copy_rows(db, table, cell, epochs)
    db.commit()
    print(db.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0], 'cells are complete')


if __name__ == '__main__':
    main()
