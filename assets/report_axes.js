// SPDX-License-Identifier: MIT
// The figures of hyper-parameters: importance, parallel coordinates; and those of the whole study.

// ---- importance ----

function importanceFigure(model) {
    if (model.importance.length === 0)
        return null;
    const rest = Math.max(0, 1 - sum(model.importance.map((item) => item.share)));
    return figure(model.id + '-importance', 'Importance of each hyper-parameter',
                  `Bars: share of the variance of the cells\u2019 ranks that lies between the values of one hyper-parameter (main effects ` +
                  `of an analysis of variance on ranks, \u03b5\u00b2: less what chance alone would give). The other ${percent(rest)} are ` +
                  'interactions, the spread between runs, and chance. Boxes: median and middle half of the dice loss at each value, ' +
                  'best cell as a circle; one scale for all hyper-parameters.' +
                  (model.states.WAITING + model.states.RUNNING > 0 ? ' The grid is not finished: values met by few cells mislead.' : ''),
                  (width) => model.importance.map((item) => importanceRow(model, item, width)));
}

function importanceRow(model, {axis, share}, width) {
    const narrow = width < 560, right = narrow ? width : Math.round(width * 0.56), left = narrow ? width : width - right - 24;
    const bar = plot(left, 46, `${axis.label}: ${percent(share)} of the variance`,
                     text(0, 14, axis.label, {class: 'label'}),
                     text(left, 14, percent(share), {class: 'label number', 'text-anchor': 'end'}),
                     s('rect', {class: 'track', x: 0, y: 22, width: left, height: 10, rx: 2}),
                     s('rect', {class: 'filled', x: 0, y: 22, width: Math.max(1, left * Math.min(1, share)), height: 10, rx: 2}));
    return h('div', {class: 'pair'}, bar, marginalPlot(model, axis, right));
}

function marginalPlot(model, axis, width) {
    const height = 108, left = 50, top = 8, bottom = 24;
    const lists = Array.from({length: axis.groups}, () => []);
    for (const cell of model.ranked)
        lists[axis.groupOf(cell)].push(cell.dice);
    const boxes = lists.map((list) => {
        const sorted = ascending(list);
        return sorted.length ? {n: list.length, best: sorted[0], q1: quantile(sorted, 0.25), median: quantile(sorted, 0.5),
                                q3: quantile(sorted, 0.75)} : null;
    });
    const [low, high] = model.boxRange;
    const room = (high - low) * 0.08 || high * 0.01 || 1;
    const y = (v) => top + (high + room - v) / (high - low + 2 * room) * (height - top - bottom);
    const slot = (width - left) / axis.groups, x = (i) => left + (i + 0.5) * slot;
    const svg = plot(width, height, `Dice loss by ${axis.label}`);
    for (const value of ticks(low, high, 5)) {
        svg.append(s('line', {class: 'grid', x1: left, x2: width, y1: y(value), y2: y(value)}));
        svg.append(text(left - 6, y(value) + 3.5, short(value), {class: 'tick', 'text-anchor': 'end'}));
    }
    const every = Math.ceil(Math.max(...lists.map((_, i) => textWidth(axis.groupName(i), 10) + 8)) / slot);
    const items = [], halo = s('g', {});
    boxes.forEach((box, i) => {
        if (i % Math.max(1, Math.min(every, 8)) === 0)
            svg.append(text(x(i), height - 8, cut(axis.groupName(i), slot * Math.max(1, every), 10), {class: 'tick', 'text-anchor': 'middle'}));
        if (!box)
            return;
        svg.append(s('line', {class: 'whisker', x1: x(i), x2: x(i), y1: y(box.best), y2: y(box.q3)}),
                   s('rect', {class: 'box', x: x(i) - Math.min(11, slot * 0.35), width: 2 * Math.min(11, slot * 0.35), y: y(box.q3), height: Math.max(1, y(box.q1) - y(box.q3))}),
                   s('line', {class: 'median', x1: x(i) - Math.min(11, slot * 0.35), x2: x(i) + Math.min(11, slot * 0.35), y1: y(box.median), y2: y(box.median)}),
                   s('circle', {class: 'top', cx: x(i), cy: y(box.best), r: 3}));
        items.push({x: x(i), y: y(box.median), box, name: axis.groupName(i)});
    });
    svg.append(halo);
    explorable(interactive(svg, 'box plot'), items, (px) => items.reduce(
        (best, item, i) => (Math.abs(item.x - px) <= slot / 2 ? i : best), -1), (item) => [
        `${axis.label} ${item.name}`, ['cells', groups(item.box.n)], ['best', score(item.box.best)],
        ['median', score(item.box.median)], ['middle half', `${score(item.box.q1)} ${DASH} ${score(item.box.q3)}`]],
    (item) => halo.replaceChildren(...(item ? [s('circle', {class: 'mark', cx: item.x, cy: item.y, r: 5})] : [])));
    return svg;
}

// ---- parallel coordinates ----

function parallelFigure(model) {
    if (model.ranked.length < 2 || model.axes.length < 2)
        return null;
    const leaders = leaderCount(model);
    return figure(model.id + '-parallel', 'Parallel coordinates',
                  'A line is a cell; its colour is its rank, dark lines are better on white, bright ones on black. At each value ' +
                  `the lines are fanned out by rank, the best on top. Drawn thicker: ${leaders > 1 ? `the ${leaders} best` : 'the best'}.`,
                  (width) => scrolling('Parallel coordinates', drawParallel(model, Math.max(width, 92 * (model.axes.length + 1)))));
}

const leaderCount = (model) => Math.max(1, Math.min(10, Math.floor(model.ranked.length / 10)));

function drawParallel(model, width) {
    const height = 330, top = 34, bottom = 22, left = 54, right = 62, n = model.axes.length, count = model.ranked.length;
    const column = (i) => left + i / n * (width - left - right), inner = height - top - bottom;
    const spread = (axis) => Math.min(30, inner / axis.values.length * 0.62);
    const [low, high] = [model.best.dice, model.sorted[model.sorted.length - 1]];
    const yDice = (v) => top + inner - (high > low ? (high - v) / (high - low) : 0.5) * inner;
    const yAxis = (axis, cell) => (axis.continuous ? top + inner - axis.at(cell.options[axis.name]) * inner
        : top + inner - (axis.of(cell) + 0.5) / axis.values.length * inner + ((cell.rank - 1) / count - 0.5) * spread(axis));
    const lines = model.ranked.map((cell) => ({
        cell, ys: [...model.axes.map((axis) => yAxis(axis, cell)), top + inner - yDice(cell.dice) + top],
    }));
    const path = (ys) => ys.map((y, i) => {
        const x = column(i), half = (column(1) - column(0)) / 2;
        return i === 0 ? `M${x},${y.toFixed(1)}` : `C${(x - half).toFixed(1)},${ys[i - 1].toFixed(1)} ${(x - half).toFixed(1)},${y.toFixed(1)} ${x.toFixed(1)},${y.toFixed(1)}`;
    }).join('');
    const svg = plot(width, height, `Parallel coordinates of ${counted(count, 'cell')}`);
    const buckets = Array.from({length: 16}, () => []);
    lines.forEach((line, i) => buckets[Math.floor(i / count * 16)].push(line));
    buckets.reverse().forEach((bucket, i) => svg.append(s('path', {
        class: 'strand', d: bucket.map((line) => path(line.ys)).join(''), stroke: rgb(heat(1 - (i + 0.5) / 16)),
        'stroke-opacity': Math.min(0.9, Math.max(0.25, 60 / count))})));
    svg.append(s('path', {class: 'strand leaders', d: lines.slice(0, leaderCount(model)).map((line) => path(line.ys)).join(''), stroke: rgb(heat(0))}));
    [...model.axes, null].forEach((axis, i) => svg.append(parallelAxis(axis, column(i), top, inner, {low, high, room: column(1) - left})));
    const chosen = s('g', {});
    svg.append(chosen);
    const items = lines.map((line) => ({...line, x: column(n), y: line.ys[n]}));
    const near = (px, py) => {
        const at = Math.min(n - 1, Math.max(0, Math.floor((px - left) / (column(1) - left)))), t = Math.min(1, Math.max(0, (px - column(at)) / (column(1) - left)));
        const bend = t * t * (3 - 2 * t);
        let best = -1, least = 14;
        lines.forEach((line, i) => {
            const distance = Math.abs(line.ys[at] + (line.ys[at + 1] - line.ys[at]) * bend - py);
            if (distance < least)
                [best, least] = [i, distance];
        });
        return best;
    };
    explorable(interactive(svg, 'parallel coordinates'), items, near, (item) => cellLines(model, item.cell),
               (item) => chosen.replaceChildren(...(item ? [s('path', {class: 'strand chosen', d: path(item.ys)})] : [])));
    return svg;
}

function parallelAxis(axis, x, top, inner, p) {
    const group = s('g', {}), isLast = !axis, y = (share) => top + inner - share * inner;
    group.append(s('line', {class: 'axis', x1: x, x2: x, y1: top - 4, y2: top + inner + 4}));
    group.append(text(x, 14, isLast ? 'dice loss' : cut(axis.label, p.room - 4, 11), {class: 'axis-title', 'text-anchor': 'middle'}));
    const tick = (share, label) => group.append(text(x + (isLast ? 7 : -7), y(share) + 3.5, label, {class: 'tick halo', 'text-anchor': isLast ? 'start' : 'end'}));
    if (isLast)
        for (const value of ticks(p.low, p.high, 5))
            tick(p.high > p.low ? 1 - (p.high - value) / (p.high - p.low) : 0.5, short(value));
    else if (axis.continuous)
        axisTicks(axis, 5).forEach((value) => tick(axis.at(value), short(value)));
    else
        axis.values.forEach((value, i) => i % Math.ceil(axis.values.length * 12 / inner) === 0 && tick((i + 0.5) / axis.values.length, cut(short(value), 54, 10)));
    return group;
}

// ---- the whole study ----

function overviewFigure() {
    const models = data.models.filter((model) => model.best);
    if (sum(models.map((model) => model.ranked.length)) < 2)
        return null;
    return figure('overview', 'Distribution of scores', 'Validation dice loss of every finished cell: a tick each, median as a long tick, the best as a circle.', (width) => {
        const left = width > 560 ? 130 : 8, right = 12, row = width > 560 ? 40 : 56, height = models.length * row + 40;
        const [low, high] = extent(models.flatMap((model) => [model.best.dice, Math.max(model.range[1], quantile(model.sorted, 0.5))]));
        const x = (v) => left + (high > low ? (Math.min(v, high) - low) / (high - low) : 0.5) * (width - left - right);
        const svg = plot(width, height, 'Distribution of the dice loss of each model');
        for (const value of ticks(low, high, width / 110)) {
            svg.append(s('line', {class: 'grid', x1: x(value), x2: x(value), y1: 4, y2: height - 34}));
            svg.append(text(x(value), height - 20, short(value), {class: 'tick', 'text-anchor': 'middle'}));
        }
        models.forEach((model, i) => {
            const y = row * i + row - 18, median = x(quantile(model.sorted, 0.5));
            fill(svg, {}, [text(width > 560 ? left - 14 : 0, width > 560 ? y + 4 : y - 20, cut(model.name, 116, 12) + (width > 560 ? '' : `: ${score(model.best.dice)}`), {class: 'label', 'text-anchor': width > 560 ? 'end' : 'start'}),
                       s('path', {class: 'rug', d: [...model.sorted].map((v) => `M${x(v).toFixed(1)},${y - 8}v16`).join('')}),
                       s('path', {class: 'rug median', d: `M${median},${y - 13}v26`}),
                       s('circle', {class: 'top', cx: x(model.best.dice), cy: y, r: 5}),
                       width > 560 && text(Math.min(x(model.best.dice), width - 60), y - 12, score(model.best.dice), {class: 'tick strong halo'})]);
        });
        svg.append(text((left + width - right) / 2, height - 3, 'validation dice loss', {class: 'axis-title', 'text-anchor': 'middle'}));
        return svg;
    });
}

function progressFigure() {
    const ended = allCells.filter((cell) => !Number.isNaN(toTime(cell.end))).map((cell) => ({cell, time: toTime(cell.end)}));
    const begun = allCells.map((cell) => toTime(cell.start)).filter((time) => !Number.isNaN(time));
    if (ended.length < 6)
        return null;
    ended.sort((a, b) => a.time - b.time);
    return figure('progress', 'Cells over time', 'Cells that had ended, by the device that trained them.', (width) => {
        const height = 240, left = 48, bottom = 40, top = 12, right = 12;
        const from = Math.min(...begun, ended[0].time), to = ended[ended.length - 1].time;
        const names = [...new Set(ended.map((item) => item.cell.device || 'unknown device'))].sort();
        const lists = names.map((name) => ended.filter((item) => (item.cell.device || 'unknown device') === name));
        const most = Math.max(...lists.map((list) => list.length)), unit = (to - from) / 3.6e6 >= 72 ? ['days', 8.64e7] : to - from > 7.2e6 ? ['hours', 3.6e6] : ['minutes', 6e4];
        const x = (time) => left + (to > from ? (time - from) / (to - from) : 1) * (width - left - right);
        const y = (n) => top + (1 - n / most) * (height - top - bottom);
        const svg = plot(width, height, 'Number of cells that had ended over time');
        for (const n of ticks(0, most, Math.min(6, most))) {
            svg.append(s('line', {class: 'grid', x1: left, x2: width - right, y1: y(n), y2: y(n)}));
            svg.append(text(left - 7, y(n) + 3.5, groups(n), {class: 'tick', 'text-anchor': 'end'}));
        }
        for (const value of ticks(0, (to - from) / unit[1], width / 90))
            svg.append(text(x(from + value * unit[1]), height - 24, short(value), {class: 'tick', 'text-anchor': 'middle'}));
        svg.append(text((left + width - right) / 2, height - 6, `${unit[0]} since the study began`, {class: 'axis-title', 'text-anchor': 'middle'}));
        svg.append(text(0, 0, 'cells', {class: 'axis-title', 'text-anchor': 'middle', transform: `translate(11,${(top + height - bottom) / 2}) rotate(-90)`}));
        lists.forEach((list, i) => {
            const d = list.map((item, k) => `H${x(item.time).toFixed(1)}V${y(k + 1).toFixed(1)}`).join('');
            svg.append(s('path', {class: 'curve', d: `M${left},${y(0)}${d}`, 'stroke-width': 1.75, stroke: lineColour(i), 'stroke-dasharray': ['', '6 3', '2 3', '8 3 2 3'][i % 4]}));
        });
        return [svg, h('p', {class: 'keys'}, names.map((name, i) => {
            const key = h('span', {}, `${['\u2500', '\u2504', '\u00b7\u00b7\u00b7', '\u2504\u00b7'][i % 4]} ${name}`);
            key.style.color = lineColour(i);
            return key;
        }))];
    });
}
