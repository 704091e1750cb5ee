// SPDX-License-Identifier: MIT
// Training and validation of one cell, in one figure.

const PAIRS = [['dice loss', 'trn_dice', 'val_dice'], ['loss', 'trn_loss', 'val_loss']];
const CHOICE_MOST = 500; // cells in the list

function cellFigure(task) {
    const known = [...task.ranked, ...task.cells.filter((cell) => !cell.rank)]
        .filter((cell) => curves.byCell.has(cell.cell)).slice(0, CHOICE_MOST);
    if (known.length === 0)
        return null;
    const state = {cell: known[0], pair: PAIRS[0]}, holder = h('div', {});
    const show = () => holder.replaceChildren(...drawPair(task, state, holder.clientWidth));
    const cells = h('select', {change: (event) => {
        state.cell = known[event.target.selectedIndex];
        show();
    }}, known.map((cell) => h('option', {}, cell.rank ? `${cell.rank}: ${cellName(cell)}`
        : cellName(cell))));
    const option = (pair) => h('label', {}, h('input', {
        type: 'radio', name: task.id + '-pair', checked: pair === state.pair,
        change: () => {
            state.pair = pair;
            show();
        },
    }), pair[0]);
    const choice = h('fieldset', {class: 'choice'}, h('label', {}, 'Cell ', cells),
                     PAIRS.map(option));
    const caption = 'All runs of one cell: training dashed, validation drawn through. The circle ' +
        'is the epoch that gave the cell its score. Validation that rises while training falls ' +
        'is overfitting; training is measured during the epoch, while weights still change.';
    return figure(task.id + '-cell', 'Training and validation of a cell', caption, () => {
        requestAnimationFrame(show);
        return [choice, holder];
    });
}

// A line for each run and half: {run, values, isTraining}.
function pairLines(cell, [, training, validation]) {
    return curves.byCell.get(cell.cell).flatMap((run, i) => [
        {run, i, isTraining: true, values: curves.of(run, training)},
        {run, i, isTraining: false, values: curves.of(run, validation)},
    ]);
}

function drawPair(task, {cell, pair}, width) {
    const lines = pairLines(cell, pair), domain = curvesDomain(lines.map((line) => line.values));
    if (!domain)
        return [note('No values were recorded.')];
    const at = measureCurves(lines, domain, width);
    const svg = plot(width, at.height, `${pair[0]} of ${cellName(cell)}, training and validation`);
    drawCurveAxes(svg, lines, pair[0], at);
    for (const {values, isTraining, i} of lines) {
        svg.append(curve(curvePath(values, at), {
            stroke: lineColour(i), 'stroke-width': 1.75,
            'stroke-dasharray': isTraining ? '4 3' : '',
        }));
        if (values.length === 1 && values[0] > 0)
            svg.append(circle(null, at.x(0), at.y(values[0]), 3, {fill: lineColour(i)}));
    }
    const best = bestPoint(cell, lines, at);
    if (best)
        svg.append(circle('best', ...best, 5));
    const name = (line) => coloured(`${line.isTraining ? '\u2504' : '\u2500'} run ${line.i + 1}, ` +
        (line.isTraining ? 'training' : 'validation'), lineColour(line.i));
    return [svg, keys(lines.slice(0, 12).map(name))];
}

// Where the epoch of the score is; null where it is not among those drawn.
function bestPoint(cell, lines, at) {
    const line = lines.find(({run, isTraining}) => run.run === cell.run && !isTraining);
    if (!line || !isNumber(cell.epoch) || !isNumber(line.run.rounds[cell.round]))
        return null;
    const index = (line.run.rounds[cell.round] + cell.epoch) / curves.stride;
    const value = line.values[index];
    return value > 0 ? [at.x(index), at.y(value)] : null;
}
