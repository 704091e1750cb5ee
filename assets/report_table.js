// SPDX-License-Identifier: MIT
// Tables.

const isMissing = (value) => value === null || value === undefined;

// Missing values come last, whatever the direction.
function compareValues(left, right, down) {
    if (isMissing(left) || isMissing(right))
        return isMissing(left) - isMissing(right);
    return (left < right ? -1 : left > right ? 1 : 0) * (down ? -1 : 1);
}

// columns: [{label, value(row), text(row), number, wide}]. Sorted by a click on a head; long ones
// show their beginning.
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
    return h('div', {class: 'table'}, scrolling(caption, content), more);
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
});

const placeText = (cell) => (
    isNumber(cell.round) ? `${cell.run + 1}: ${cell.round + 1}.${cell.epoch + 1}` : NONE);
const secondsOf = (cell) => sum(cell.runs.map((run) => run.seconds || 0)) || null;

function spreadOf(cell) {
    const list = cell.runs.map((run) => run.dice).filter(isNumber);
    return list.length > 1 ? Math.max(...list) - Math.min(...list) : null;
}

function rankedTable(task) {
    const number = true, bold = (value) => h('b', {}, score(value));
    const columns = [
        {label: 'rank', number, value: (cell) => cell.rank},
        {label: 'cell', value: (cell) => cell.cell, text: cellName},
        {label: 'dice loss', number, value: (cell) => cell.dice, text: (cell) => bold(cell.dice)},
        {label: 'loss', number, value: (cell) => cell.loss, text: (cell) => score(cell.loss)},
        ...task.axes.map(axisColumn),
        {label: 'best at', value: (cell) => 1e6 * cell.round + cell.epoch, text: placeText},
        {label: 'spread', number, value: spreadOf, text: (cell) => score(spreadOf(cell))},
        {label: 'training', number, value: secondsOf, text: (cell) => duration(secondsOf(cell))},
    ];
    const words = lead(
        'Best first: lowest validation dice loss among the epochs that improved the validation ' +
        'loss. Best at: run, round and epoch. Spread: between the best and the worst of a ' +
        'cell\u2019s runs. Training: time of its runs, which share a device with others.'
    );
    return block(task.id + '-ranking', 'Ranking', words,
                 table('Cells in order of their dice loss', columns, task.ranked, 20));
}
