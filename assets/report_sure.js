// SPDX-License-Identifier: MIT
// How sure the ranking is: mean and standard deviation over runs, and the cells that cannot be told
// apart from the best.

const MOST_ROWS = 20; // cells that are drawn

// "1 to 4, 7 and 12 more"
function rankList({ranks, size}) {
    const shown = ranks.slice(0, 6).map(([first, last]) => (
        first === last ? String(first) : `${first}${last === first + 1 ? ',' : ' to'} ${last}`));
    const more = size - sum(ranks.slice(0, 6).map(([first, last]) => last - first + 1));
    return shown.join(', ') + (more > 0 ? ` and ${groups(more)} more` : '');
}

// What is not counted.
function setLimits({others, unknown, run_sd: runs}) {
    return [
        others > 0 && `${counted(others, 'cell')} validated on other subjects cannot be compared.`,
        unknown > 0 && `Of ${counted(unknown, 'cell')} there are no pixel counts.`,
        isNumber(runs) ? `Training anew is counted: a run\u2019s mean Dice has a standard ` +
            `deviation of ${score(runs)}.`
            : 'Cells have one run, so how much training anew changes is not counted.',
    ].filter(Boolean).join(' ');
}

// The sentence of a task, or null.
function setText({set, ranked}) {
    if (!set || set.ranks.length === 0 || !(set.subjects > 1))
        return null;
    const n = `n = ${groups(set.subjects)} subjects`, first = ranked[0];
    const inside = set.members.has(set.first);
    const before = inside ? '' : `${cellName({cell: set.first})} ranks first, but ` +
        `${cellName({cell: set.highest})} has the higher Dice. `;
    if (set.size === 1)
        return `${before}${inside && first ? cellName(first) : 'That one'} is told apart from ` +
            `all others by Dice (p \u2264 ${set.level}, ${n}).`;
    return `${before}Ranks ${rankList(set)} of ${groups(ranked.length)} cannot be told ` +
        `apart by Dice (p > ${set.level}, ${n}).`;
}

const isAlike = (task, cell) => Boolean(task.set && task.set.members.has(cell.cell));

// ---- the figure ----

function sureRow(task, cell, y, place, width) {
    const {mean, sd, best} = cell.over || {mean: cell.dice};
    const alike = isAlike(task, cell), at = (value) => clamp(place(value), place.low, place.high);
    const kind = alike ? 'sure alike' : 'sure';
    const name = text(place.low - 12, y + 4, cellName(cell), {
        class: alike ? 'strong' : null, 'text-anchor': 'end',
    });
    return [
        across('grid', place.low, width, y),
        isNumber(sd) && across(kind, at(mean - sd), at(mean + sd), y),
        isNumber(best) && upright(kind, at(best), y - 5, y + 5),
        circle(kind + ' dot', at(mean), y, 4.5), name,
    ];
}

function drawSure(task, width) {
    const cells = task.ranked.slice(0, MOST_ROWS), step = 18, top = 6, left = 92, right = 10;
    const ends = cells.flatMap((cell) => {
        const {mean, sd, best} = cell.over || {mean: cell.dice};
        return [mean - (sd || 0), mean + (sd || 0), best].filter(isNumber);
    });
    const [low, high] = extent(ends), room = width - left - right;
    const place = (value) => left + (high > low ? (value - low) / (high - low) : 0.5) * room;
    [place.low, place.high] = [left, left + room];
    const bottom = top + step * cells.length, items = [], marks = s('g', {class: 'marks'});
    const rows = cells.map((cell, i) => {
        const y = top + step * (i + 0.5), {mean} = cell.over || {mean: cell.dice};
        items.push({x: place(mean), y, cell});
        return sureRow(task, cell, y, place, left + room);
    });
    const numbers = ticks(low, high, room / 90).map(
        (value) => tick(place(value), bottom + 14, short(value), 'middle'));
    const label = `Dice loss of the ${cells.length} best cells with its standard deviation`;
    const svg = plot(width, bottom + 36, label, rows.flat(), numbers,
                     title(left + room / 2, bottom + 32, 'validation dice loss'), marks);
    interactive(svg, 'dot plot');
    const mark = (item) => marks.replaceChildren(
        ...(item ? [circle('mark', item.x, item.y, 8)] : []));
    explorable(svg, items, nearest(items, 400), (item) => cellLines(task, item.cell), mark);
    return svg;
}

function sureFigure(task) {
    const several = task.ranked.some((cell) => cell.over), words = setText(task);
    if (task.ranked.length < 2 || (!several && !words))
        return null;
    const rule = rankBy === 'mean' ? 'the mean over a cell\u2019s runs' : 'a cell\u2019s best run';
    const caption =
        (words ? `${words} ${setLimits(task.set)} ` : '') +
        `The ${Math.min(MOST_ROWS, task.ranked.length)} best cells, ranked by ${rule}. ` +
        (several ? 'Point: mean over the runs; bar: one standard deviation; stroke: the best run. '
            : '') +
        (words ? 'Filled: cells of the best set, which has all that are as good as the best, ' +
            'with a probability of 95 % (a model confidence set by a bootstrap over subjects).'
            : '');
    return figure(task.id + '-sure', 'How sure is the ranking', caption,
                  (width) => drawSure(task, Math.min(width, 760)));
}
