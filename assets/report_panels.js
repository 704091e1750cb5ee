// SPDX-License-Identifier: MIT
// The scores of a task over its grid: a panel for each combination of what is neither x nor y.

// What is x, y and a panel of its own: lr and gamma when they are there, else the axes with most
// values.
function panelAxes(task) {
    const open = task.axes.filter((axis) => axis.numeric || axis.values.length <= 60);
    const byCount = [...open].sort(
        (a, b) => b.continuous - a.continuous || b.values.length - a.values.length
    );
    const find = (name) => open.find((axis) => axis.name === name);
    const named = ['lr', 'gamma'].map(find).filter(Boolean);
    let [x, y] = [...named, ...byCount.filter((axis) => !named.includes(axis))];
    const rest = (used) => task.axes.filter((axis) => !used.includes(axis) && !axis.continuous);
    if (rest([x, y]).reduce((n, axis) => n * axis.values.length, 1) > 120)
        [x, y] = byCount;
    const scatter = Boolean(x && y && (x.continuous || y.continuous));
    if (x && y && !scatter && y.values.length > 12 && x.values.length < y.values.length)
        [x, y] = [y, x];
    const facets = rest([x, y]), shown = [x, y, ...facets];
    return {x, y, facets, hidden: task.axes.filter((axis) => !shown.includes(axis)), scatter};
}

// ---- where the panels are ----

// The facets that go across: those with most columns that fit.
function columnFacets(facets, most) {
    let best = [], count = 1;
    for (let bits = 1; bits < 1 << Math.min(10, facets.length); bits++) {
        const chosen = facets.filter((_, i) => bits >> i & 1);
        const n = chosen.reduce((all, axis) => all * axis.values.length, 1);
        if (n <= most && n > count)
            [best, count] = [chosen, n];
    }
    return best;
}

// All combinations of the axes' values, each a list of pairs [axis, value].
function combinations(axes) {
    const extended = (some, axis) => axis.values.map((value) => [...some, [axis, value]]);
    return axes.reduce((list, axis) => list.flatMap((some) => extended(some, axis)), [[]]);
}

const facetText = ([axis, value]) => (
    axis.numeric || typeof value !== 'string' ? `${axis.label} ${short(value)}` : short(value));

// Places of all panels: {pairs, col, row}, and the titles above and beside them.
function layoutPanels(facets, width) {
    const most = Math.max(1, Math.floor((width - 64) / 118));
    const aside = columnFacets(facets, most), down = facets.filter((axis) => !aside.includes(axis));
    const cols = combinations(aside), rows = combinations(down);
    const wrapped = cols.length === 1 && rows.length > 1;
    if (wrapped) {
        const n = clamp(Math.floor((width - 48) / 130), 1, rows.length);
        return {
            wrapped, cols: n, rows: Math.ceil(rows.length / n), titleLines: facets.length,
            panels: rows.map((pairs, i) => ({pairs, col: i % n, row: Math.floor(i / n)})),
        };
    }
    const rowPanels = (rowPairs, row) => cols.map(
        (pairs, col) => ({pairs: [...rowPairs, ...pairs], col, row})
    );
    const titles = (list) => list.map((pairs) => pairs.map(facetText));
    return {
        wrapped, cols: cols.length, rows: rows.length,
        titleLines: aside.length, columnTitles: titles(cols),
        rowLines: down.length, rowTitles: down.length ? titles(rows) : null,
        panels: rows.flatMap(rowPanels),
    };
}

// All sizes in pixels.
function measurePanels({x, y, scatter}, layout, width) {
    const gap = 12, titles = layout.titleLines * 14 + 4;
    const labels = !y ? [] : scatter ? axisTicks(y, 5) : y.values;
    const longest = Math.max(0, ...labels.map((value) => textWidth(short(value), 11)));
    const left = 24 + Math.min(72, longest);
    const right = layout.rowTitles ? 8 + 14 * layout.rowLines : 4;
    const room = (width - left - right - gap * (layout.cols - 1)) / layout.cols;
    const panelWidth = Math.min(room, scatter ? 460 : 96 * x.values.length);
    const ny = y ? y.values.length : 1;
    const cellWidth = panelWidth / x.values.length;
    const cellHeight = clamp(cellWidth * 0.72, ny > 20 ? 9 : 18, 38);
    const panelHeight = scatter ? Math.max(140, panelWidth * 0.7) : ny * cellHeight;
    const perRow = panelHeight + gap + (layout.wrapped ? titles : 0);
    const top = layout.wrapped ? 0 : titles;
    const height = top + perRow * layout.rows - gap + 44;
    return {
        x, y, scatter, left, right, top, gap, titles, width, height,
        ny, cellWidth, cellHeight, panelWidth, panelHeight, perRow,
    };
}

// ---- drawing ----

// The cells of each panel, by the values of its facets.
function groupCells(task, facets) {
    const groupOf = (indices) => indices.join();
    const byPanel = new Map();
    for (const cell of task.cells) {
        const key = groupOf(facets.map((axis) => axis.of(cell)));
        if (!byPanel.has(key))
            byPanel.set(key, []);
        byPanel.get(key).push(cell);
    }
    return (pairs) => {
        const indexOf = (axis) => axis.index.get(keyOf(pairs.find(([a]) => a === axis)[1]));
        return byPanel.get(groupOf(facets.map(indexOf))) || [];
    };
}

function drawPanels(task, axes, width) {
    const {x, y, facets, scatter} = axes;
    const layout = layoutPanels(facets, width), at = measurePanels(axes, layout, width);
    const items = [], marks = s('g', {class: 'marks'}), body = s('g', {});
    const cellsOf = groupCells(task, facets);
    layout.panels.forEach((panel, index) => {
        const isLast = index + layout.cols >= layout.panels.length;
        body.append(drawPanel(task, layout, at, panel, cellsOf(panel.pairs), isLast, items));
    });
    const over = x.label + (y ? ' and ' + y.label : '');
    const label = `Dice loss of ${counted(task.ranked.length, 'cell')} over ${over}`;
    const svg = plot(width, at.height, label, body, marks);
    if (!layout.wrapped)
        drawStrips(svg, layout, at);
    const middle = at.left + (layout.cols * (at.panelWidth + at.gap) - at.gap) / 2;
    svg.append(title(middle, at.height - 4, x.label));
    if (y)
        svg.append(sideTitle(at.top + (at.perRow * layout.rows - at.gap) / 2, y.label));
    const isOn = (item, px, py) => Math.abs(item.x - px) <= at.cellWidth / 2 &&
        Math.abs(item.y - py) <= at.cellHeight / 2;
    const near = scatter ? nearest(items, 18)
        : (px, py) => items.findIndex((item) => isOn(item, px, py));
    interactive(svg, scatter ? 'scatter plot' : 'heat map');
    explorable(svg, items, near, (item) => cellLines(task, item.cell),
               (item) => marks.replaceChildren(...(item ? [markOf(item, at)] : [])));
    return svg;
}

function markOf(item, {scatter, cellWidth, cellHeight}) {
    if (scatter)
        return circle('mark', item.x, item.y, 7);
    const x = item.x - cellWidth / 2, y = item.y - cellHeight / 2;
    return rectangle('mark', x, y, cellWidth, cellHeight);
}

// Titles above the columns and, turned, beside the rows.
function drawStrips(svg, layout, at) {
    const stepX = at.panelWidth + at.gap, stepY = at.panelHeight + at.gap;
    const strip = {class: 'strip', 'text-anchor': 'middle'};
    layout.columnTitles.forEach((lines, col) => lines.forEach((line, i) => {
        const x = at.left + col * stepX + at.panelWidth / 2;
        svg.append(text(x, 12 + 14 * i, cut(line, stepX, 11), strip));
    }));
    (layout.rowTitles || []).forEach((lines, row) => lines.forEach((line, i) => {
        const y = at.top + row * stepY + at.panelHeight / 2;
        const x = at.left + layout.cols * stepX - at.gap + 10 + 14 * (lines.length - 1 - i);
        const transform = `translate(${x},${y}) rotate(90)`;
        svg.append(text(0, 0, cut(line, stepY, 11), {...strip, transform}));
    }));
}

function drawPanel(task, layout, at, panel, cells, isLast, items) {
    const px = at.left + panel.col * (at.panelWidth + at.gap);
    const py = at.top + panel.row * at.perRow + (layout.wrapped ? at.titles : 0);
    const group = s('g', {class: 'panel', transform: `translate(${px},${py})`});
    const size = {width: at.panelWidth, height: at.panelHeight};
    group.append(s('rect', {class: 'panel-frame', ...size}));
    if (layout.wrapped)
        panel.pairs.map(facetText).forEach((line, i) => {
            const y = -at.titles + 12 + 14 * i;
            group.append(text(0, y, cut(line, at.panelWidth, 11), {class: 'strip'}));
        });
    // Points lie over each other: the better ones on top.
    const worstFirst = (a, b) => (b.dice || 9) - (a.dice || 9);
    for (const cell of at.scatter ? [...cells].sort(worstFirst) : cells) {
        const [cx, cy] = placeOf(cell, at);
        if (!Number.isFinite(cx) || !Number.isFinite(cy))
            continue;
        items.push({x: px + cx, y: py + cy, cell});
        drawCell(task, at, cell, cx, cy, group);
    }
    drawPanelAxes(at, group, panel.col === 0, isLast);
    return group;
}

// The middle of a cell in its panel.
function placeOf(cell, {x, y, scatter, cellWidth, cellHeight, panelWidth, panelHeight, ny}) {
    if (scatter)
        return [
            6 + x.at(cell.options[x.name]) * (panelWidth - 12),
            panelHeight - 6 - y.at(cell.options[y.name]) * (panelHeight - 12),
        ];
    return [(x.of(cell) + 0.5) * cellWidth, (ny - 0.5 - (y ? y.of(cell) : 0)) * cellHeight];
}

const SIGNS = {FAIL: '\u00d7', PRUNED: '\u2212', RUNNING: '\u25b8', WAITING: ''};

function drawCell(task, {scatter, cellWidth, cellHeight}, cell, cx, cy, group) {
    const isBest = cell === task.best, hasRoom = cellWidth >= 44 && cellHeight >= 16;
    const colour = cell.rank ? heat(shareOf(task, cell.dice)) : null;
    const kind = 'cell ' + cell.state.toLowerCase();
    const more = {'data-cell': cell.cell, fill: colour ? rgb(colour) : null};
    const left = cx - cellWidth / 2, top = cy - cellHeight / 2;
    const inner = [left + 0.5, top + 0.5, Math.max(1, cellWidth - 1), Math.max(1, cellHeight - 1)];
    const centred = {'text-anchor': 'middle'};
    group.append(scatter ? circle(kind, cx, cy, isBest ? 6 : 4, more)
        : rectangle(kind, ...inner, more));
    if (SIGNS[cell.state])
        group.append(text(cx, cy + 4, SIGNS[cell.state], {class: 'sign', ...centred}));
    if (colour && !scatter && (hasRoom || isBest)) {
        const label = hasRoom ? score(cell.dice).replace(/^0/, '') : '\u2605';
        group.append(text(cx, cy + 4, label, {class: 'value', fill: inkOn(colour), ...centred}));
    }
    if (isBest)
        group.append(scatter ? circle('best', cx, cy, 9)
            : rectangle('best', left, top, cellWidth, cellHeight));
}

// The lowest panel of a column has numbers below, the first of a row beside it.
function drawPanelAxes(at, group, isFirst, isLast) {
    const below = at.scatter ? pointTicksBelow : cellTicksBelow;
    const beside = at.scatter ? pointTicksBeside : cellTicksBeside;
    if (isLast)
        group.append(...below(at));
    if (isFirst && at.y)
        group.append(...beside(at));
}

function pointTicksBelow({x, panelWidth, panelHeight}) {
    const place = (value) => 6 + x.at(value) * (panelWidth - 12);
    return axisTicks(x, panelWidth / 70).map(
        (value) => tick(place(value), panelHeight + 14, short(value), 'middle')
    );
}

function pointTicksBeside({y, panelHeight}) {
    const place = (value) => panelHeight - 2 - y.at(value) * (panelHeight - 12);
    return axisTicks(y, panelHeight / 40).map(
        (value) => tick(-6, place(value), short(value), 'end')
    );
}

// As many values as have room; where not all have, the outer ones keep inside the panel.
function cellTicksBelow({x, cellWidth, panelWidth, panelHeight}) {
    const longest = Math.max(...x.values.map((value) => textWidth(short(value), 10)));
    const every = Math.max(1, Math.ceil((longest + 5) / cellWidth)), last = x.values.length - 1;
    const outer = {0: 'start', [last]: 'end'};
    const anchorOf = (i) => (every > 1 && outer[i]) || 'middle';
    return x.values.map((value, i) => {
        const anchor = anchorOf(i);
        const place = {start: 0, middle: (i + 0.5) * cellWidth, end: panelWidth}[anchor];
        const label = short(value).replace(/^0\./, '.');
        return i % every === 0 ? tick(place, panelHeight + 14, label, anchor) : null;
    }).filter(Boolean);
}

function cellTicksBeside({y, ny, cellHeight}) {
    const every = Math.ceil(11 / cellHeight), place = (i) => (ny - 0.5 - i) * cellHeight + 3.5;
    return y.values.map(
        (value, i) => i % every === 0 && tick(-6, place(i), cut(short(value), 72, 11), 'end')
    ).filter(Boolean);
}

// ---- the figure ----

// The colours' meaning, and the signs of cells without one.
function legend(task, scatter) {
    const signs = [
        [scatter ? '\u25cf' : '\u2605', 'best'], ['\u25b8', 'running', 'RUNNING'],
        ['', 'waiting', 'WAITING'], ['\u2212', 'pruned', 'PRUNED'], ['\u00d7', 'failed', 'FAIL'],
    ];
    const isThere = ([, , state]) => (state ? task.states[state] : task.best);
    const key = ([sign, name, state]) => h(
        'span', {class: 'key'}, h('span', {class: state ? 'swatch' : 'swatch first'}, sign), name
    );
    return h('div', {class: 'legend'}, task.best && colourScale(task),
             signs.filter(isThere).map(key));
}

function colourScale(task) {
    const [low, high] = task.range.map((value) => h('b', {}, score(value)));
    const stops = Array.from({length: 11}, (_, i) => `${rgb(heat(i / 10))} ${10 * i}%`);
    const bar = h('span', {class: 'bar'});
    bar.style.background = `linear-gradient(to right, ${stops.join(', ')})`;
    return h('span', {class: 'scale'}, h('span', {}, 'best ', low), bar,
             h('span', {}, high, task.clipped ? ' and worse' : ' worst'));
}

function panelsFigure(task) {
    const {x, y, facets, hidden, scatter} = panelAxes(task);
    const labels = (axes, between) => axes.map((axis) => axis.label).join(between);
    if (!x)
        return null;
    const over = y ? `${x.label} (across) and ${y.label} (upwards)` : x.label;
    const panels = facets.length ? `, one panel for each ${labels(facets, ' and ')}` : '';
    const caption =
        `Validation dice loss (0: perfect overlap) of every cell over ${over}${panels}.` +
        (hidden.length ? ` Not shown: ${labels(hidden, ', ')}.` : '') + ofThese;
    return figure(
        task.id + '-panels', 'Scores over the grid', caption,
        (width) => [legend(task, scatter), drawPanels(task, {x, y, facets, scatter}, width)]
    );
}
