// SPDX-License-Identifier: MIT
// The figures of a model: panels, learning curves, importance, parallel coordinates.

// ---- panels ----

// What is x, y and a panel of its own: lr and gamma when they are there, else the axes with most values.
function panelAxes(model) {
    const open = model.axes.filter((axis) => axis.numeric || axis.values.length <= 60);
    const byCount = [...open].sort((a, b) => b.continuous - a.continuous || b.values.length - a.values.length);
    const named = ['lr', 'gamma'].map((name) => open.find((axis) => axis.name === name)).filter(Boolean);
    let [x, y] = [...named, ...byCount.filter((axis) => !named.includes(axis))];
    const rest = (used) => model.axes.filter((axis) => !used.includes(axis) && !axis.continuous);
    if (rest([x, y]).reduce((n, axis) => n * axis.values.length, 1) > 120)
        [x, y] = byCount;
    const scatter = Boolean(x && y && (x.continuous || y.continuous));
    if (x && y && !scatter && y.values.length > 12 && x.values.length < y.values.length)
        [x, y] = [y, x];
    const facets = rest([x, y]), hidden = model.axes.filter((axis) => ![x, y, ...facets].includes(axis));
    return {x, y, facets, hidden, scatter};
}

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

const combinations = (axes) => axes.reduce(
    (list, axis) => list.flatMap((some) => axis.values.map((value) => [...some, [axis, value]])), [[]]);
const facetTexts = (pairs) => pairs.map(([axis, value]) => (axis.numeric || typeof value !== 'string'
    ? `${axis.label} ${short(value)}` : short(value)));

// Places of all panels: {pairs, col, row, titles above}.
function layoutPanels(facets, width) {
    const most = Math.max(1, Math.floor((width - 64) / 118));
    const across = columnFacets(facets, most), down = facets.filter((axis) => !across.includes(axis));
    const cols = combinations(across), rows = combinations(down);
    const wrapped = cols.length === 1 && rows.length > 1;
    if (wrapped) {
        const n = Math.max(1, Math.min(rows.length, Math.floor((width - 48) / 130)));
        return {wrapped, cols: n, rows: Math.ceil(rows.length / n), titleLines: facets.length,
                panels: rows.map((pairs, i) => ({pairs, col: i % n, row: Math.floor(i / n)}))};
    }
    return {wrapped, cols: cols.length, rows: rows.length, titleLines: across.length, columnTitles: cols.map(facetTexts),
            rowTitles: down.length ? rows.map(facetTexts) : null, rowLines: down.length,
            panels: rows.flatMap((r, row) => cols.map((c, col) => ({pairs: [...r, ...c], col, row})))};
}

function drawPanels(model, axes, width) {
    const {x, y, facets, scatter} = axes;
    const layout = layoutPanels(facets, width);
    const left = y ? 24 + Math.min(72, Math.max(...(scatter ? axisTicks(y, 5) : y.values).map((v) => textWidth(short(v), 11)))) : 24, right = layout.rowTitles ? 8 + 14 * layout.rowLines : 4, gap = 12, titles = layout.titleLines * 14 + 4;
    const panelWidth = Math.min((width - left - right - gap * (layout.cols - 1)) / layout.cols, scatter ? 460 : 96 * x.values.length);
    const ny = y ? y.values.length : 1;
    const cellWidth = panelWidth / x.values.length;
    const cellHeight = Math.min(38, Math.max(ny > 20 ? 9 : 18, cellWidth * 0.72));
    const panelHeight = scatter ? Math.max(140, panelWidth * 0.7) : ny * cellHeight;
    const perRow = panelHeight + gap + (layout.wrapped ? titles : 0);
    const top = layout.wrapped ? 0 : titles;
    const height = top + perRow * layout.rows - gap + 44;
    const items = [], marks = s('g', {class: 'marks'}), body = s('g', {});
    const place = {x, y, scatter, cellWidth, cellHeight, panelWidth, panelHeight, ny};
    const byPanel = new Map();
    for (const cell of model.cells) {
        const key = facets.map((axis) => axis.of(cell)).join();
        byPanel.set(key, [...(byPanel.get(key) || []), cell]);
    }
    layout.panels.forEach((panel, index) => {
        const px = left + panel.col * (panelWidth + gap), py = top + panel.row * perRow + (layout.wrapped ? titles : 0);
        const cells = byPanel.get(facets.map((axis) => axis.index.get(keyOf(panel.pairs.find(([a]) => a === axis)[1]))).join()) || [];
        const group = s('g', {class: 'panel', transform: `translate(${px},${py})`});
        group.append(s('rect', {class: 'panel-frame', width: panelWidth, height: panelHeight}));
        if (layout.wrapped)
            facetTexts(panel.pairs).forEach((line, i) => group.append(text(0, -titles + 12 + 14 * i, cut(line, panelWidth, 11), {class: 'strip'})));
        drawPanel(model, place, cells, px, py, group, items);
        const isLast = index + layout.cols >= layout.panels.length;
        drawPanelAxes(place, group, panel.col === 0, isLast);
        body.append(group);
    });
    const svg = plot(width, height, `Dice loss of ${counted(model.ranked.length, 'cell')} over ${x.label}${y ? ' and ' + y.label : ''}`, body, marks);
    if (!layout.wrapped)
        drawStrips(svg, layout, {left, right, top, gap, panelWidth, panelHeight, width});
    const middle = left + (layout.cols * (panelWidth + gap) - gap) / 2;
    svg.append(text(middle, height - 4, x.label, {class: 'axis-title', 'text-anchor': 'middle'}));
    if (y)
        svg.append(text(0, 0, y.label, {class: 'axis-title', 'text-anchor': 'middle',
                                        transform: `translate(11,${top + (perRow * layout.rows - gap) / 2}) rotate(-90)`}));
    const near = scatter ? nearest(items, 18) : (px, py) => items.findIndex(
        (item) => Math.abs(item.x - px) <= cellWidth / 2 && Math.abs(item.y - py) <= cellHeight / 2);
    explorable(interactive(svg, scatter ? 'scatter plot' : 'heat map'), items, near, (item) => cellLines(model, item.cell), (item) => {
        marks.replaceChildren(...(item ? [scatter ? s('circle', {class: 'mark', cx: item.x, cy: item.y, r: 7})
            : s('rect', {class: 'mark', x: item.x - cellWidth / 2, y: item.y - cellHeight / 2, width: cellWidth, height: cellHeight})] : []));
    });
    return svg;
}

function drawStrips(svg, layout, at) {
    layout.columnTitles.forEach((lines, col) => lines.forEach((line, i) => svg.append(
        text(at.left + col * (at.panelWidth + at.gap) + at.panelWidth / 2, 12 + 14 * i, cut(line, at.panelWidth + at.gap, 11),
             {class: 'strip', 'text-anchor': 'middle'}))));
    (layout.rowTitles || []).forEach((lines, row) => lines.forEach((line, i) => {
        const y = at.top + row * (at.panelHeight + at.gap) + at.panelHeight / 2;
        const x = at.left + layout.cols * (at.panelWidth + at.gap) - at.gap + 10 + 14 * (lines.length - 1 - i);
        svg.append(text(0, 0, cut(line, at.panelHeight + at.gap, 11),
                        {class: 'strip', 'text-anchor': 'middle', transform: `translate(${x},${y}) rotate(90)`}));
    }));
}

function drawPanel(model, place, cells, px, py, group, items) {
    const {x, y, scatter, cellWidth, cellHeight, panelWidth, panelHeight, ny} = place;
    const label = cellWidth >= 44 && cellHeight >= 16;
    const ordered = scatter ? [...cells].sort((a, b) => (b.dice || 9) - (a.dice || 9)) : cells;
    for (const cell of ordered) {
        const cx = scatter ? 6 + x.at(cell.options[x.name]) * (panelWidth - 12) : (x.of(cell) + 0.5) * cellWidth;
        const cy = scatter ? panelHeight - 6 - y.at(cell.options[y.name]) * (panelHeight - 12)
            : (ny - 0.5 - (y ? y.of(cell) : 0)) * cellHeight;
        if (!Number.isFinite(cx) || !Number.isFinite(cy))
            continue;
        items.push({x: px + cx, y: py + cy, cell});
        const colour = cell.rank ? heat(shareOf(model, cell.dice)) : null;
        const style = {'data-cell': cell.cell, class: 'cell ' + cell.state.toLowerCase(), fill: colour ? rgb(colour) : null};
        group.append(scatter ? s('circle', {...style, cx, cy, r: cell === model.best ? 6 : 4})
            : s('rect', {...style, x: cx - cellWidth / 2 + 0.5, y: cy - cellHeight / 2 + 0.5,
                         width: Math.max(1, cellWidth - 1), height: Math.max(1, cellHeight - 1)}));
        const sign = {FAIL: '\u00d7', PRUNED: '\u2212', RUNNING: '\u25b8', WAITING: ''}[cell.state];
        if (sign)
            group.append(text(cx, cy + 4, sign, {class: 'sign', 'text-anchor': 'middle'}));
        if (colour && !scatter && (label || cell === model.best))
            group.append(text(cx, cy + 4, label ? score(cell.dice).replace(/^0/, '') : '\u2605',
                              {class: 'value', fill: inkOn(colour), 'text-anchor': 'middle'}));
        if (cell === model.best)
            group.append(scatter ? s('circle', {class: 'best', cx, cy, r: 9})
                : s('rect', {class: 'best', x: cx - cellWidth / 2, y: cy - cellHeight / 2, width: cellWidth, height: cellHeight}));
    }
}

function drawPanelAxes(place, group, isFirst, isLast) {
    const {x, y, scatter, cellWidth, cellHeight, panelWidth, panelHeight, ny} = place;
    if (scatter) {
        if (isLast)
            for (const value of axisTicks(x, panelWidth / 70))
                group.append(text(6 + x.at(value) * (panelWidth - 12), panelHeight + 14, short(value), {class: 'tick', 'text-anchor': 'middle'}));
        if (isFirst)
            for (const value of axisTicks(y, panelHeight / 40))
                group.append(text(-6, panelHeight - 2 - y.at(value) * (panelHeight - 12), short(value), {class: 'tick', 'text-anchor': 'end'}));
        return;
    }
    const longest = Math.max(...x.values.map((value) => textWidth(short(value), 10)));
    const every = Math.max(1, Math.ceil((longest + 5) / cellWidth));
    if (isLast)
        x.values.forEach((value, i) => {
            const edge = every === 1 ? 'middle' : i === 0 ? 'start' : i === x.values.length - 1 ? 'end' : 'middle';
            const at = {start: 0, middle: (i + 0.5) * cellWidth, end: panelWidth}[edge];
            if (i % every === 0)
                group.append(text(at, panelHeight + 14, short(value).replace(/^0\./, '.'), {class: 'tick', 'text-anchor': edge}));
        });
    const everyRow = Math.ceil(11 / cellHeight);
    if (isFirst && y)
        y.values.forEach((value, i) => i % everyRow === 0 && group.append(
            text(-6, (ny - 0.5 - i) * cellHeight + 3.5, cut(short(value), 72, 11), {class: 'tick', 'text-anchor': 'end'})));
}

// The colours' meaning, and the signs of cells without one.
function legend(model, scatter) {
    const [low, high] = model.range || [0, 0];
    const stops = Array.from({length: 11}, (_, i) => `${rgb(heat(i / 10))} ${10 * i}%`);
    const keys = [[scatter ? '\u25cf' : '\u2605', 'best'], ['\u25b8', 'running', 'RUNNING'], ['', 'waiting', 'WAITING'],
                  ['\u2212', 'pruned', 'PRUNED'], ['\u00d7', 'failed', 'FAIL']];
    const bar = h('span', {class: 'bar'});
    bar.style.background = `linear-gradient(to right, ${stops.join(', ')})`;
    return h('div', {class: 'legend'},
             model.best && h('span', {class: 'scale'}, h('span', {}, 'best ', h('b', {}, score(low))), bar,
                             h('span', {}, h('b', {}, score(high)), model.clipped ? ' and worse' : ' worst')),
             keys.filter(([, , state]) => (state ? model.states[state] : model.best)).map(
                 ([sign, name, state]) => h('span', {class: 'key'}, h('span', {class: state ? 'swatch' : 'swatch first'}, sign), name)));
}

function panelsFigure(model) {
    const axes = panelAxes(model);
    if (!axes.x)
        return null;
    const over = axes.y ? `${axes.x.label} (across) and ${axes.y.label} (upwards)` : axes.x.label;
    const caption = `Validation dice loss (0: perfect overlap) of every cell over ${over}` +
        (axes.facets.length ? `, one panel for each ${axes.facets.map((axis) => axis.label).join(' and ')}` : '') + '.' +
        (axes.hidden.length ? ` Not shown: ${axes.hidden.map((axis) => axis.label).join(', ')}.` : '');
    return figure(model.id + '-panels', 'Scores over the grid', caption,
                  (width) => [legend(model, axes.scatter), drawPanels(model, axes, width)]);
}

// ---- learning curves ----

const CURVES_MOST = 5;
const DASHES = ['', '7 2', '2 2', '9 2 2 2', '5 4']; // for eyes and printers without colours

function curvesFigure(model) {
    const shown = model.cells.filter((cell) => curves.byCell.has(cell.cell));
    if (shown.length === 0)
        return null;
    let metric = 'val_dice';
    const holder = h('div', {});
    const choice = h('fieldset', {class: 'choice'}, h('legend', {}, 'Curves of'), METRICS.map(([id, label]) => h('label', {},
        h('input', {type: 'radio', name: model.id + '-metric', value: id, checked: id === metric, change: () => {
            metric = id;
            holder.replaceChildren(...drawCurves(model, shown, metric, holder.clientWidth));
        }}), label)));
    const best = Math.min(CURVES_MOST, model.ranked.length);
    const leaders = best ? `${best > 1 ? `The ${best} best cells` : 'The best cell'} in colour` : 'No cell is finished';
    return figure(model.id + '-curves', 'Learning curves',
                  `${leaders}; in grey all that were begun (${groups(shown.length)}), each by its best run. ` +
                  'Dashed lines: where a round begins, from the best weights of the one before.' +
                  (curves.stride > 1 ? ` Every ${curves.stride}th epoch is drawn.` : ''), (width) => {
                      holder.replaceChildren(...drawCurves(model, shown, metric, width));
                      return [choice, holder];
                  });
}

// Lowest and highest value that is drawn: runs that ran away would press all others flat.
function curvesDomain(lists) {
    const all = [];
    for (const list of lists)
        for (const value of list)
            if (value > 0)
                all.push(value);
    const sorted = ascending(all);
    if (!sorted.length)
        return null;
    return [sorted[0] / 1.05, Math.min(sorted[sorted.length - 1], 2 * quantile(sorted, 0.98)) * 1.05];
}

function drawCurves(model, shown, metric, width) {
    const lists = shown.map((cell) => ({cell, run: bestRun(cell), values: curves.of(bestRun(cell), metric)}));
    const domain = curvesDomain(lists.map((item) => item.values));
    if (!domain)
        return [note('No values were recorded.')];
    const label = METRICS.find(([id]) => id === metric)[1];
    const steps = Math.max(...lists.map((item) => item.values.length)), stride = curves.stride;
    const left = 56, right = width > 500 ? 92 : 12, top = 22, bottom = 40, height = width > 500 ? 360 : 280;
    const x = (i) => left + (steps > 1 ? i / (steps - 1) : 0.5) * (width - left - right);
    const y = (v) => top + Math.log(domain[1] / v) / Math.log(domain[1] / domain[0]) * (height - top - bottom);
    const canvas = h('canvas', {'aria-hidden': 'true'});
    paintCurves(canvas, lists, x, y, width, height, {left, top, right, bottom});
    const svg = plot(width, height, `${label} over epochs of ${counted(lists.length, 'cell')}`);
    drawCurveAxes(svg, lists, {x, y, domain, steps, stride, left, right, top, bottom, width, height, label});
    const path = (values) => [...values].map((v, i) => (v > 0 ? `${i > 0 && values[i - 1] > 0 ? 'L' : 'M'}${x(i).toFixed(1)},${
        Math.max(top, y(v)).toFixed(1)}` : '')).join('');
    const leaders = model.ranked.slice(0, CURVES_MOST).map((cell) => lists.find((item) => item.cell === cell)).filter(Boolean);
    const ends = leaders.map((item) => y(item.values[item.values.length - 1]));
    const order = ends.map((_, i) => i).sort((a, b) => ends[a] - ends[b]);
    order.forEach((i, k) => {
        if (k > 0)
            ends[i] = Math.max(ends[i], ends[order[k - 1]] + 13);
    });
    order.reverse().forEach((i, k) => {
        ends[i] = Math.min(ends[i], k > 0 ? ends[order[k - 1]] - 13 : height - bottom - 4);
    });
    leaders.forEach((item, i) => {
        svg.append(s('path', {class: 'curve', d: path(item.values), stroke: lineColour(i), 'stroke-dasharray': DASHES[i], 'stroke-width': i ? 1.75 : 2.5}));
        if (item.values.length === 1)
            svg.append(s('circle', {cx: x(0), cy: y(item.values[0]), r: 4, fill: lineColour(i)}));
        if (width > 500)
            svg.append(text(width - right + 6, ends[i] + 4, `${i + 1}  ${cellName(item.cell)}`, {class: 'end', fill: lineColour(i)}));
    });
    const chosen = s('g', {});
    svg.append(chosen);
    const items = lists.map((item) => ({...item, x: x(item.values.length - 1), y: y(item.values[item.values.length - 1])}));
    let at = 0;
    const near = (px, py) => {
        at = Math.round((px - left) / (width - left - right) * (steps - 1));
        let best = -1, least = 24;
        lists.forEach((item, i) => {
            const distance = Math.abs(y(item.values[at]) - py);
            if (distance < least)
                [best, least] = [i, distance];
        });
        return best;
    };
    explorable(interactive(svg, 'learning curves'), items, near, (item) => {
        const step = Math.min(Math.max(0, at), item.values.length - 1);
        return [...cellLines(model, item.cell), [`${label}, epoch ${step * stride + 1}`, score(item.values[step])]];
    }, (item) => chosen.replaceChildren(...(item ? [s('path', {class: 'curve chosen', d: path(item.values)})] : [])));
    return [h('div', {class: 'layers'}, canvas, svg), width > 500 ? null : h('p', {class: 'keys'}, leaders.map((item, i) => {
        const key = h('span', {}, `${i + 1} ${cellName(item.cell)} `);
        key.style.color = lineColour(i);
        return key;
    }))].filter(Boolean);
}

function paintCurves(canvas, lists, x, y, width, height, margin) {
    const density = Math.min(3, window.devicePixelRatio || 1), context = canvas.getContext('2d');
    canvas.width = width * density;
    canvas.height = height * density;
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
    context.scale(density, density);
    context.beginPath();
    context.rect(margin.left, margin.top, width - margin.left - margin.right, height - margin.top - margin.bottom);
    context.clip();
    context.strokeStyle = context.fillStyle = isDark() ? '#fff' : '#000';
    context.globalAlpha = Math.min(0.4, Math.max(0.04, 8 / lists.length));
    for (const {values} of lists) {
        context.beginPath();
        for (let i = 0; i < values.length; i++)
            if (values[i] > 0)
                context.lineTo(x(i), y(values[i]));
        context.stroke();
        if (values.length === 1)
            context.fillRect(x(0) - 2, y(values[0]) - 2, 4, 4);
    }
}

function drawCurveAxes(svg, lists, p) {
    const bottom = p.height - p.bottom;
    for (const value of logTicks(p.domain[0], p.domain[1])) {
        svg.append(s('line', {class: 'grid', x1: p.left, x2: p.width - p.right, y1: p.y(value), y2: p.y(value)}));
        svg.append(text(p.left - 7, p.y(value) + 3.5, short(value), {class: 'tick', 'text-anchor': 'end'}));
    }
    const last = p.steps * p.stride;
    for (const epoch of p.steps > 1 ? ticks(1, last, p.width > 500 ? 10 : 5).filter((v) => Number.isInteger(v)) : [1])
        svg.append(text(p.x((epoch - 1) / p.stride), bottom + 15, epoch, {class: 'tick', 'text-anchor': 'middle'}));
    // The longest schedule speaks for all when no other contradicts it.
    const schedules = lists.map((item) => item.run.rounds).sort((a, b) => b.length - a.length);
    const agreed = schedules.every((rounds) => rounds.every((step, i) => step === schedules[0][i]));
    if (agreed)
        schedules[0].forEach((step, i) => {
            const x = p.x(step / p.stride) - (step > 0 ? (p.x(1) - p.x(0)) / 2 : 0);
            if (step > 0)
                svg.append(s('line', {class: 'round', x1: x, x2: x, y1: p.top, y2: bottom}));
            svg.append(text(x + (step > 0 ? 5 : 0), p.top - 8, `round ${i + 1}`, {class: 'strip'}));
        });
    svg.append(s('line', {class: 'axis', x1: p.left, x2: p.width - p.right, y1: bottom, y2: bottom}));
    svg.append(text((p.left + p.width - p.right) / 2, p.height - 6, 'epoch', {class: 'axis-title', 'text-anchor': 'middle'}));
    svg.append(text(0, 0, p.label + ' (log scale)', {class: 'axis-title', 'text-anchor': 'middle', transform: `translate(11,${(p.top + bottom) / 2}) rotate(-90)`}));
}
