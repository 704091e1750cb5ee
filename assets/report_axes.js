// SPDX-License-Identifier: MIT
// What the hyper-parameters of a task do: the analysis of variance (src/report/anova.h), and the
// scores at each value.

const isShown = (share) => isNumber(share) && share >= 0.005;
const positive = (share) => Math.max(0, share);
const axisLabel = (task, name) => (
    task.axes.find((axis) => axis.name === name) || {label: name}).label;
const effectName = (task, {axes}) => axes.map((name) => axisLabel(task, name)).join(` ${TIMES} `);

function importanceFigure(task) {
    if (task.axes.length === 0 || task.ranked.length < 2)
        return null;
    const known = !task.importance.why;
    const caption = (known ? varianceWords(task) : `No shares: ${task.importance.why}. `) +
        `At the right the dice loss at each value: up to ${FEW_VALUES} cells as points, more as ` +
        'their median and middle half; the best as a circle, what lies beyond the scale as a ' +
        'triangle. One scale for all.' + ofThese;
    const draw = (width) => [
        task.effects.map((item) => importanceRow(task, item, width)),
        known && otherRows(task, width), known && varianceTable(task),
    ];
    return figure(task.id + '-importance', 'Importance of the hyper-parameters', caption, draw);
}

function varianceWords(task) {
    const {interactions, error, rest, cells} = task.importance, rough = error.df < 4;
    const unfinished = task.states.WAITING + task.states.RUNNING > 0;
    const chance = error.from === 'runs' ? 'the spread between the runs of a cell'
        : 'what the effects leave unexplained, as cells have one run';
    return 'Bars: share of the variance of the dice loss (factorial analysis of variance, type ' +
        `II; \u03b5\u00b2: less what chance alone would give). Chance is ${chance}` +
        (rough ? `, here of only ${counted(error.df, 'degree')} of freedom: take the shares as ` +
            'rough. ' : '. ') +
        (interactions || task.axes.length < 2 ? '' : `${counted(cells, 'cell')} are too few, or ` +
            'values too many, to tell interactions apart: they ' +
            (rest ? 'are one bar. ' : 'count as chance. ')) +
        (unfinished ? 'The grid is not finished: values met by few cells mislead. ' : '') +
        (task.clipped ? 'Cells far worse than the others make much of the variance. ' : '');
}

function bar(label, share, width, more) {
    const content = isNumber(share) ? percent(positive(share)) : NONE;
    const filled = isShown(share) ? Math.max(1, width * Math.min(1, share)) : 0;
    return plot(width, more ? 56 : 38, `${label}: ${content} of the variance`,
                text(0, 14, cut(label, width - 60, 13), {class: 'label'}),
                text(width, 14, content, {class: 'label number', 'text-anchor': 'end'}),
                rectangle('track', 0, 22, width, 10, {rx: 2}),
                rectangle('filled', 0, 22, filled, 10, {rx: 2}),
                more && text(0, 48, cut(more, width, 11), {class: 'strip'}));
}

function wonText({axis, won}) {
    return won
        ? `${short(won.value)} is best in ${groups(won.won)} of ${counted(won.of, 'comparison')}`
        : axis.continuous ? 'values by fifths' : '';
}

function importanceRow(task, item, width) {
    const narrow = width < 560, right = narrow ? width : Math.round(width * 0.56);
    const left = narrow ? width : width - right - 24;
    return h('div', {class: 'pair'}, bar(item.axis.label, item.share, left, wonText(item)),
             marginalPlot(task, item.axis, right));
}

// What is no main effect: the largest interactions, the rest, chance.
function otherRows(task, width) {
    const {effects, rest, error} = task.importance, narrow = width < 560;
    const pairs = effects.filter(({axes, share, df}) => axes.length > 1 && df > 0 && isShown(share))
        .sort((a, b) => b.share - a.share).slice(0, 6);
    const rows = pairs.map((effect) => [effectName(task, effect), effect.share]);
    if (rest && isShown(rest.share))
        rows.push([restName(task), rest.share]);
    const chance = error.from === 'runs' ? 'chance: between runs' : 'chance: unexplained';
    rows.push([chance, error.share]);
    const size = narrow ? width : Math.floor((width - 24) / 2);
    return h('div', {class: 'bars'}, rows.map(([name, share]) => bar(name, share, size)));
}

const restName = (task) => (task.importance.interactions ? 'interactions of three and more'
    : 'all interactions');

function varianceTable(task) {
    const {effects, rest, error, total, scores} = task.importance, number = true;
    const rows = effects.map((effect) => ({...effect, name: effectName(task, effect)}));
    if (rest)
        rows.push({...rest, name: restName(task)});
    rows.push({...error, name: error.from === 'runs' ? 'between runs' : 'residual', isError: true});
    rows.push({name: 'total', df: scores - 1, ss: total, share: null});
    const mean = error.ss / error.df;
    const ratio = (row) => (row.isError || row.share === null || !(mean > 0) || row.df === 0
        ? null : row.ss / row.df / mean);
    const columns = [
        {label: 'source', value: (row) => row.name},
        {label: 'degrees of freedom', number, value: (row) => row.df},
        {label: 'sum of squares', number, value: (row) => row.ss, text: (row) => short(row.ss)},
        {label: 'F', number, value: ratio,
         text: (row) => (ratio(row) === null ? NONE : short(Number(ratio(row).toPrecision(3))))},
        {label: '\u03b5\u00b2', number, value: (row) => (row.df ? row.share : null),
         text: (row) => (row.df ? score(row.share) : NONE)},
    ];
    const caption = `Analysis of variance of ${counted(scores, 'score')} of ` +
        counted(task.importance.cells, 'cell');
    return h('details', {}, h('summary', {}, caption), table(caption, columns, rows, 40));
}

// ---- scores by value ----

// What a box shows of a list of dice losses; null of an empty one.
function boxOf(list) {
    const sorted = ascending(list), at = (share) => quantile(sorted, share);
    const points = list.length <= FEW_VALUES && [...sorted];
    return list.length === 0 ? null
        : {n: list.length, points, best: sorted[0], q1: at(0.25), median: at(0.5), q3: at(0.75)};
}

function marginalPlot(task, axis, width) {
    const height = 108, left = 50, top = 8, bottom = 24;
    const lists = Array.from({length: axis.groups}, () => []);
    for (const cell of task.even)
        lists[axis.groupOf(cell)].push(cell.dice);
    const [low, high] = task.boxRange;
    const room = (high - low) * 0.08 || high * 0.01 || 1;
    const y = (v) => top + (high + room - v) / (high - low + 2 * room) * (height - top - bottom);
    const slot = (width - left) / axis.groups, x = (i) => left + (i + 0.5) * slot;
    const svg = plot(width, height, `Dice loss by ${axis.label}`);
    for (const value of ticks(low, high, 5))
        svg.append(across('grid', left, width, y(value)),
                   tick(left - 6, y(value) + 3.5, short(value), 'end'));
    const names = lists.map((_, i) => axis.groupName(i));
    const longest = Math.max(...names.map((name) => textWidth(name, 10) + 8));
    const every = Math.max(1, Math.ceil(longest / slot));
    const items = [], halo = s('g', {});
    lists.map(boxOf).forEach((box, i) => {
        if (i % Math.min(every, 8) === 0)
            svg.append(tick(x(i), height - 8, cut(names[i], slot * every, 10), 'middle'));
        if (!box)
            return;
        const half = Math.min(11, slot * 0.35);
        svg.append(...(box.points ? drawPoints(box, x(i), high, y) : drawBox(box, x(i), half, y)));
        items.push({x: x(i), y: y(Math.min(box.median, high)), box, name: names[i]});
    });
    svg.append(halo);
    exploreBoxes(svg, axis, items, slot, halo);
    return svg;
}

function drawBox(box, x, half, y) {
    const tall = Math.max(1, y(box.q1) - y(box.q3));
    return [
        upright('whisker', x, y(box.best), y(box.q3)),
        rectangle('box', x - half, y(box.q3), 2 * half, tall),
        across('median', x - half, x + half, y(box.median)),
        circle('top', x, y(box.best), 3),
    ];
}

function drawPoints({points, best}, x, high, y) {
    const point = (v) => (v > high ? s('path', {
        class: 'point', d: `M${x - 4},${y(high) + 4}h8l-4,-7z`,
    }) : circle('point', x, y(v), 2.5));
    return [...points.slice(1).map(point), circle('top', x, y(Math.min(best, high)), 3)];
}

function exploreBoxes(svg, axis, items, slot, halo) {
    const near = (px) => items.findIndex((item) => Math.abs(item.x - px) <= slot / 2);
    const describe = ({box, name}) => [
        `${axis.label} ${name}`, ['cells', groups(box.n)], ['best', score(box.best)],
        ['median', score(box.median)], ['middle half', `${score(box.q1)} ${DASH} ${score(box.q3)}`],
    ];
    const mark = (item) => halo.replaceChildren(
        ...(item ? [circle('mark', item.x, item.y, 5)] : [])
    );
    explorable(interactive(svg, 'box plot'), items, near, describe, mark);
}
