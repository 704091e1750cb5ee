// SPDX-License-Identifier: MIT
// The data of the page and what is computed from it. src/report/parts.h says what stands where.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);
const study = data.study;
const settings = study.settings || {};
const progress = study.progress || {};

// ---- numbers as texts ----

const MINUS = '\u2212', DASH = '\u2013', NONE = '\u2014', TIMES = '\u00d7', THIN = '\u202f';
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
const groups = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, THIN);
const score = (value) => (isNumber(value) ? value.toFixed(4) : NONE);
const percent = (share) => {
    const tiny = share > 0 && share < 0.005;
    return (tiny ? '<1' : Math.round(100 * share)) + THIN + '%';
};
const counted = (n, one, many) => groups(n) + ' ' + (n === 1 ? one : many || one + 's');
const cellName = (cell) => 'grid' + String(cell.cell).padStart(5, '0');

function short(value) {
    if (!isNumber(value))
        return typeof value === 'string' ? value : JSON.stringify(value);
    if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6))
        return value.toExponential(2).replace(/\.?0+e/, 'e').replace('e+', 'e').replace('-', MINUS);
    return String(Number(value.toPrecision(4))).replace('-', MINUS);
}

function duration(seconds) {
    if (!isNumber(seconds))
        return NONE;
    const units = [[86400, 'd', 3600, 'h'], [3600, 'h', 60, 'min'], [60, 'min', 1, 's']];
    for (const [size, name, part, partName] of units)
        if (seconds >= size) {
            const rest = Math.floor((seconds % size) / part);
            const more = rest ? ' ' + rest + THIN + partName : '';
            return Math.floor(seconds / size) + THIN + name + more;
        }
    return (seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)) + THIN + 's';
}

// Times of the database are UTC without saying so.
const isoOf = (text) => String(text).slice(0, 23).replace(' ', 'T').replace(/Z?$/, 'Z');
const toTime = (text) => (text ? Date.parse(isoOf(text)) : NaN);
const minuteOf = (time) => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
const timeText = (time) => (Number.isNaN(time) ? NONE : minuteOf(time) + ' UTC');

// ---- statistics ----

const sum = (list) => list.reduce((all, value) => all + value, 0);
const extent = (list) => list.reduce(
    ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
    [Infinity, -Infinity]
);

function quantile(sorted, share) {
    const at = (sorted.length - 1) * share, low = Math.floor(at), high = Math.ceil(at);
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

const ascending = (list) => Float64Array.from(list).sort();

// ---- axes ----

const AXIS_NAMES = {
    lr: 'learning rate', gamma: 'decay \u03b3 per epoch', bce_weight: 'BCE weight',
    batch_size: 'batch size', base_model: 'encoder', num_epochs: 'epochs per round',
    image_size: 'image size',
};
const MODEL_AXES = ['inputs', 'prediction']; // which make the task
const keyOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

// continuous: so many values that they are taken by fifths.
function makeAxis(name, continuous, cells) {
    const values = new Map(), given = ((study.grid || {}).hyper || {})[name];
    if (Array.isArray(given))
        given.forEach((value) => values.set(keyOf(value), value));
    const used = new Set();
    for (const cell of cells)
        if (cell.options[name] !== undefined) {
            values.set(keyOf(cell.options[name]), cell.options[name]);
            used.add(keyOf(cell.options[name]));
        }
    const list = [...values.keys()].filter((key) => used.has(key)).map((key) => values.get(key));
    const numeric = list.every(isNumber);
    if (numeric)
        list.sort((a, b) => a - b);
    const axis = {name, values: list, numeric, label: AXIS_NAMES[name] || name.replace(/_/g, ' ')};
    axis.continuous = continuous;
    axis.log = numeric && list[0] > 0 && list[list.length - 1] / list[0] >= 10;
    axis.index = new Map(list.map((value, i) => [keyOf(value), i]));
    axis.of = (cell) => axis.index.get(keyOf(cell.options[name]));
    // As a text of a column: all with as many decimals.
    const decimals = Math.max(...list.map(decimalsOf));
    axis.text = (cell) => {
        const value = cell.options[name];
        return numeric && decimals <= 5 ? value.toFixed(decimals) : short(value);
    };
    // Where on the axis, from 0 to 1, as a number: for axes that are continuous.
    const scale = axis.log ? Math.log : (v) => v;
    const low = numeric ? scale(list[0]) : 0, high = numeric ? scale(list[list.length - 1]) : 1;
    axis.at = (value) => (high > low ? (scale(value) - low) / (high - low) : 0.5);
    addGroups(axis, list);
    return axis;
}

// Digits behind the point; 9 where it is no plain decimal number.
function decimalsOf(value) {
    const digits = String(value);
    return /^-?\d+(\.\d*)?$/.test(digits) ? (digits.split('.')[1] || '').length : 9;
}

// Groups of cells for the importance: by the axis' values, or by fifths of them.
function addGroups(axis, list) {
    const fifth = (i) => Math.floor(i * axis.groups / list.length);
    const rounded = (value) => short(Number(value.toPrecision(2)));
    axis.groups = axis.continuous ? Math.min(5, list.length) : list.length;
    axis.groupOf = (cell) => (axis.continuous ? fifth(axis.of(cell)) : axis.of(cell));
    axis.groupName = (group) => {
        if (!axis.continuous)
            return short(list[group]);
        const inside = list.filter((_, i) => fifth(i) === group);
        return rounded(inside[0]) + DASH + rounded(inside[inside.length - 1]);
    };
}

// ---- tasks ----

// Rows of numbers and texts get names here, and nowhere else: parts.h has their order.
function nameFields(task) {
    for (const cell of task.cells) {
        cell.labels = new Map(Object.entries(cell.labels || {})); // a name may be anything
        cell.runs = cell.runs.map(
            ([run, state, attempts, device, bestRound, loss, dice, seconds, failure]) => (
                {run, state, attempts, device, bestRound, loss, dice, seconds, failure})
        );
        cell.over = overRuns(cell);
    }
    const images = task.predictions && task.predictions.dice;
    if (images)
        task.predictions.dice = images.map(([image, dice]) => ({image, dice}));
    const overlaps = task.predictions && task.predictions.overlaps;
    if (overlaps)
        task.predictions.overlaps = overlaps.map(
            ([label, count, mean, low]) => ({label, count, mean, low})
        );
}
data.tasks.forEach(nameFields);
data.devices = data.devices.map(
    ([device, driver, task, epochs, seconds]) => ({device, driver, task, epochs, seconds})
);

// Of an identifier of many digits, the first ones.
const shortened = (id) => (id.length > 16 ? id.slice(0, 12) + '\u2026' : id);
data.datasets = data.datasets.filter(Boolean).map(shortened);

const STATES = [
    ['COMPLETE', 'complete'], ['RUNNING', 'running'], ['WAITING', 'waiting'],
    ['PRUNED', 'pruned'], ['FAIL', 'failed'],
];
const countStates = (cells) => Object.fromEntries(
    STATES.map(([id]) => [id, cells.filter((cell) => cell.state === id).length])
);

// A cell over its runs, as the database has it; of versions that did not write it, from the runs'
// own scores. Null where it has one.
function overRuns({over_runs: over, runs: all}) {
    const dice = over && typeof over === 'object' ? over.dice_loss : null;
    if (dice && isNumber(over.runs) && isNumber(dice.mean)) {
        const {runs, folds} = over, {mean, sd, best} = dice;
        return {runs, folds, mean, sd, best};
    }
    const list = all.filter((run) => run.state === 'COMPLETE').map((run) => run.dice)
        .filter(isNumber);
    if (list.length < 2)
        return null;
    const mean = sum(list) / list.length;
    const sd = Math.sqrt(sum(list.map((v) => (v - mean) ** 2)) / (list.length - 1));
    return {runs: list.length, mean, sd, best: Math.min(...list)};
}

const isPair = (item) => Array.isArray(item) && item.length === 2 && item.every(isNumber);

// The task's best set (best_set.h), or null.
function bestSet(name) {
    const list = Array.isArray(study.best_sets) ? study.best_sets : [];
    const set = list.find((item) => item && item.task === name);
    if (!set || !Array.isArray(set.members) || !Array.isArray(set.ranks) || !Array.isArray(set.p))
        return null;
    const numbers = [
        'first', 'highest', 'subjects', 'level', 'others', 'size', 'unknown', 'run_sd',
    ];
    const known = Object.fromEntries(numbers.filter((key) => isNumber(set[key]))
        .map((key) => [key, set[key]]));
    return {
        ...known, members: new Set(set.members.filter(isNumber)), ranks: set.ranks.filter(isPair),
        p: new Map(set.p.filter(isPair)),
    };
}

const rankBy = settings.rank_by === 'mean' ? 'mean' : 'best';

function prepareTask(task, number) {
    task.id = 'task' + number;
    task.axes = task.axes.map(({name, continuous}) => makeAxis(name, continuous, task.cells));
    task.ranked = task.cells.filter((cell) => cell.state === 'COMPLETE' && isNumber(cell.dice));
    task.ranked.sort((a, b) => a.rank - b.rank || a.dice - b.dice || a.loss - b.loss ||
        a.cell - b.cell);
    task.best = task.ranked[0] || null;
    task.set = bestSet(task.name);
    if (task.all)
        takeTotals(task);
    else
        countTotals(task);
    if (task.best)
        setColourRange(task);
    task.effects = mainEffects(task);
    task.boxRange = boxRange(task);
}

function countTotals(task) {
    task.count = task.cells.length;
    task.rankedCount = task.ranked.length;
    task.states = countStates(task.cells);
    task.ranked.forEach((cell, i) => {
        cell.rank = i + 1;
    });
    task.sorted = ascending(task.ranked.map((cell) => cell.dice));
    task.even = task.ranked;
}

// The page has some of the cells; `even` are those that stand for all.
function takeTotals(task) {
    const {cells, ranked, states, dice} = task.all;
    task.count = cells;
    task.rankedCount = ranked;
    task.states = states;
    task.sorted = ascending(dice);
    task.even = task.ranked.filter((cell) => cell.even);
}

// Cells that came to nothing would take all colours: beyond the upper fence of a box plot there are
// no more.
function setColourRange(task) {
    const q1 = quantile(task.sorted, 0.25), q3 = quantile(task.sorted, 0.75);
    const worst = task.sorted[task.sorted.length - 1], fence = q3 + 1.5 * (q3 - q1);
    task.range = [task.best.dice, Math.min(worst, Math.max(fence, task.best.dice * 1.02))];
    task.clipped = task.range[1] < worst;
}

// {axis, share, won}: share null where it is not known; won: the value that is best in most sets of
// cells that are equal otherwise.
function mainEffects(task) {
    const {effects, wins} = {effects: [], wins: [], ...task.importance};
    const shareOfAxis = (name) => {
        const effect = effects.find(({axes}) => axes.length === 1 && axes[0] === name);
        return effect && effect.df > 0 ? effect.share : null;
    };
    const list = task.axes.map((axis) => ({
        axis, share: shareOfAxis(axis.name), won: wins.find((win) => win.axis === axis.name),
    }));
    const order = ({share}) => (share === null ? -1e9 : share);
    return list.sort((a, b) => order(b) - order(a));
}

const FEW_VALUES = 8; // are points, not a box

// Of the plots by value: from the best cell to the highest upper quartile of a box, or to the
// highest point that is not far beyond the others.
function boxRange(task) {
    let high = task.best ? task.best.dice : 0;
    for (const axis of task.axes)
        for (let group = 0; group < axis.groups; group++) {
            const cells = task.even.filter((cell) => axis.groupOf(cell) === group);
            const list = ascending(cells.map((cell) => cell.dice));
            const top = list.length > FEW_VALUES ? quantile(list, 0.75)
                : Math.min(list[list.length - 1], task.range ? task.range[1] : Infinity);
            high = list.length ? Math.max(high, top) : high;
        }
    return [task.best ? task.best.dice : 0, high];
}

data.tasks = data.tasks.filter((task) => task.cells.length > 0);
data.tasks.forEach(prepareTask);
const allCells = data.tasks.flatMap((task) => task.cells);
const allCount = sum(data.tasks.map((task) => task.count));
const allStates = Object.fromEntries(
    STATES.map(([id]) => [id, sum(data.tasks.map((task) => task.states[id]))])
);
// Said where figures are drawn of cells.
const ofThese = data.page ? ' Of the cells that this page has.' : '';

// ---- learning curves ----

const METRICS = [
    ['val_dice', 'validation dice loss'], ['val_loss', 'validation loss'],
    ['trn_dice', 'training dice loss'],
];

// Runs of each cell with their place in the values.
const curves = (() => {
    const packedText = atob(byId('curves').textContent.trim());
    const bytes = Uint8Array.from(packedText, (c) => c.charCodeAt(0));
    const packed = new Uint16Array(bytes.buffer);
    const values = Float32Array.from(packed, (v) => (v === 0 ? NaN : 2 ** (v / 2048 - 20)));
    const byCell = new Map();
    let at = 0;
    for (const [cell, run, epochs, schedule] of data.curves.runs) {
        const list = byCell.get(cell) || [];
        list.push({cell, run, epochs, first: at, rounds: data.curves.schedules[schedule]});
        byCell.set(cell, list);
        at += epochs;
    }
    const perMetric = at;
    return {
        byCell, stride: data.curves.stride,
        of(run, metric) {
            const first = data.curves.metrics.indexOf(metric) * perMetric + run.first;
            return values.subarray(first, first + run.epochs);
        },
    };
})();

// The run that gave the cell its score; of an unfinished cell, the first.
const bestRun = (cell) => {
    const runs = curves.byCell.get(cell.cell) || [];
    return runs.find((run) => run.run === cell.run) || runs[0];
};

// ---- speed ----

// Samples of the training half, or null when the grid does not say it for all cells alike.
const trainingSamples = (() => {
    const fixed = (study.grid || {}).static || {}, hyper = (study.grid || {}).hyper || {};
    if (!Array.isArray(fixed.partition) || !isNumber(fixed.partition[0]))
        return null;
    if (hyper.partition || hyper.raters)
        return null;
    const raters = Array.isArray(fixed.raters) ? fixed.raters.length || 1 : 4;
    return fixed.partition[0] * raters;
})();
