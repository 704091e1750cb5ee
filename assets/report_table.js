// SPDX-License-Identifier: MIT
// Tables.

const isMissing = (value) => value === null || value === undefined;

// Missing values come last, whatever the direction.
function compareValues(left, right, down) {
    if (isMissing(left) || isMissing(right))
        return isMissing(left) - isMissing(right);
    return (left < right ? -1 : left > right ? 1 : 0) * (down ? -1 : 1);
}

// What a table program takes for a formula gets an apostrophe.
function csvField(value) {
    const safe = typeof value === 'string' && /^[=+@\t\r-]/.test(value) ? "'" + value : value;
    const content = isMissing(safe) ? '' : String(safe);
    return /[",\r\n]/.test(content) ? `"${content.replace(/"/g, '""')}"` : content;
}

// All rows, with the numbers as they are, not as they are shown.
function csvText(columns, rows) {
    const field = (column) => (row) => {
        const value = column.csv ? column.csv(row) : column.value(row);
        return csvField(value);
    };
    const fields = columns.map(field), line = (list) => list.join(',') + '\r\n';
    const head = line(columns.map((column) => csvField(column.label)));
    return head + rows.map((row) => line(fields.map((of) => of(row)))).join('');
}

function download(name, content) {
    const url = URL.createObjectURL(new Blob([content], {type: 'text/csv'}));
    h('a', {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function csvButton(caption, columns, rows) {
    const name = `${data.name} ${caption}`.replace(/[^\w.-]+/g, '_').slice(0, 80) + '.csv';
    return h('button', {type: 'button', class: 'more csv', title: name, click: () => {
        download(name, csvText(columns, rows));
    }}, 'Download CSV');
}

// columns: [{label, value(row), text(row), csv(row), number, wide}]. Sorted by a click on a head;
// long ones show their beginning. csv: what a file has in the place of the value.
function table(caption, columns, rows, most) {
    let sorting = null, down = false, all = rows.length <= most;
    const body = h('tbody', {});
    const more = h('button', {type: 'button', class: 'more', click: () => {
        all = true;
        render();
    }});
    const head = (column) => {
        const button = h('button', {type: 'button', click: () => {
            [sorting, down] = [column, sorting === column ? !down : false];
            render();
        }}, column.label);
        return h('th', {scope: 'col', class: column.number ? 'number' : null}, button);
    };
    const heads = columns.map(head);
    function render() {
        const order = (a, b) => compareValues(sorting.value(a), sorting.value(b), down);
        const sorted = sorting ? [...rows].sort(order) : rows;
        heads.forEach((element, i) => {
            const direction = down ? 'descending' : 'ascending';
            element.setAttribute('aria-sort', columns[i] === sorting ? direction : 'none');
        });
        const shown = sorted.slice(0, all ? rows.length : most);
        body.replaceChildren(...shown.map((row) => tableRow(columns, row)));
        more.textContent = `Show all ${groups(rows.length)}`;
        more.hidden = all;
    }
    render();
    const words = h('caption', {class: 'unseen'}, caption);
    const content = h('table', {}, words, h('thead', {}, h('tr', {}, heads)), body);
    return h('div', {class: 'table'}, scrolling(caption, content),
             h('div', {class: 'tools'}, more, csvButton(caption, columns, rows)));
}

// The first column heads the row.
function tableRow(columns, row) {
    return h('tr', {}, columns.map((column, i) => {
        const kind = column.number ? 'number' : column.wide ? 'wide' : null;
        const content = column.text ? column.text(row) : column.value(row);
        return i === 0 ? h('th', {scope: 'row', class: kind}, content)
            : h('td', {class: kind}, content);
    }));
}

// ---- the cells of a task ----

const axisColumn = (axis) => ({
    label: axis.label, number: axis.numeric, text: axis.text,
    value: (cell) => (axis.numeric ? cell.options[axis.name] : axis.of(cell)),
    csv: (cell) => keyOf(cell.options[axis.name]),
});

const placeText = (cell) => (
    isNumber(cell.round) ? `${cell.run + 1}: ${cell.round + 1}.${cell.epoch + 1}` : NONE);

// Runs that are trained at once each count the whole time: the time of a device at a task is shared
// among its runs as theirs is, so that the shares add up.
const runsOf = (task) => (task.all ? task.all.runs.map(([device, seconds]) => ({device, seconds}))
    : task.cells.flatMap((cell) => cell.runs));
const timeShares = (() => {
    const name = (task, device) => JSON.stringify([task, device]), ofRuns = new Map();
    for (const task of data.tasks)
        for (const run of runsOf(task)) {
            const key = name(task.name, run.device);
            ofRuns.set(key, (ofRuns.get(key) || 0) + (run.seconds || 0));
        }
    const spent = new Map();
    for (const {task, device, seconds} of data.devices) {
        const key = name(task, device);
        spent.set(key, (spent.get(key) || 0) + seconds);
    }
    return (task, device) => {
        const key = name(task, device), all = ofRuns.get(key);
        return all > 0 && spent.has(key) ? spent.get(key) / all : 1;
    };
})();
const taskOf = new Map(data.tasks.flatMap((task) => task.cells.map((cell) => [cell, task.name])));
const secondsOf = (cell) => sum(cell.runs.map(
    (run) => (run.seconds || 0) * timeShares(taskOf.get(cell), run.device))) || null;

// Whether a cell can be told apart from the one with the highest Dice; bold: it cannot.
function pText({set}, {cell}) {
    if (!set.p.has(cell))
        return NONE;
    const p = set.p.get(cell), content = p < 0.0995 ? p.toFixed(3) : p.toFixed(2);
    return set.members.has(cell) ? h('b', {}, content) : content;
}

// Hard Dice of a label, of the weights that are kept; null where it is not known.
const labelDice = ({labels}, label) => (labels.has(label) ? labels.get(label).hard_dice : null);
const MOST_LABELS = 8; // that have a column

function labelColumn(label) {
    const value = (cell) => labelDice(cell, label);
    return {label: `Dice ${label}`, number: true, value, text: (cell) => score(value(cell))};
}

function rankedTable(task) {
    const labels = task.best ? [...task.best.labels.keys()].slice(0, MOST_LABELS) : [];
    const number = true, bold = (value) => h('b', {}, score(value));
    const columns = [
        {label: 'rank', number, value: (cell) => cell.rank},
        {label: 'cell', value: (cell) => cell.cell, text: cellName, csv: cellName},
        {label: 'dice loss', number, value: (cell) => cell.dice, text: (cell) => bold(cell.dice)},
        {label: 'loss', number, value: (cell) => cell.loss, text: (cell) => score(cell.loss)},
        {label: 'mean', number, value: (cell) => cell.over && cell.over.mean,
         text: (cell) => score(cell.over && cell.over.mean)},
        {label: 'sd', number, value: (cell) => cell.over && cell.over.sd,
         text: (cell) => score(cell.over && cell.over.sd)},
        {label: 'runs', number, value: (cell) => (cell.over ? cell.over.runs : cell.runs.length)},
        ...(task.set ? [{
            label: 'p', number, value: (cell) => (
                task.set.p.has(cell.cell) ? task.set.p.get(cell.cell) : null),
            text: (cell) => pText(task, cell)}] : []),
        ...labels.map(labelColumn),
        ...task.axes.map(axisColumn),
        {label: 'best at', value: (cell) => 1e6 * cell.round + cell.epoch, text: placeText,
         csv: placeText},
        {label: 'device time', number, value: secondsOf,
         text: (cell) => duration(secondsOf(cell)), csv: secondsOf},
    ];
    const words = lead(
        'Best first: lowest validation dice loss among the epochs that improved the validation ' +
        `loss, ${rankBy === 'mean' ? 'mean over a cell\u2019s runs' : 'of its best run'}. ` +
        'Mean and sd (n \u2212 1): of that number over the runs. p: of the test whether the cell ' +
        'is as good as the one with the highest Dice; bold above 0.05: it cannot be told apart; ' +
        'a dash below 0.001 and where nothing is compared. Best at: run, round and epoch. Device ' +
        'time: the cell\u2019s share of it; the shares of all cells, also of those without a ' +
        'rank, add up to the time of the devices below.',
        labels.length > 0 && ' Dice: of the cell\u2019s weights at a probability of 0.5, mean ' +
        'over the validation images that have the label in target or prediction (1 is perfect).'
    );
    return block(task.id + '-ranking', 'Ranking', words,
                 table('Cells in order of their dice loss', columns, task.ranked, 20));
}
