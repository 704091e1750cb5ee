// SPDX-License-Identifier: MIT
// The learning curves of a task.

const CURVES_MOST = 5;
const DASHES = ['', '7 2', '2 2', '9 2 2 2', '5 4']; // for eyes and printers without colours

function curvesFigure(task) {
    const shown = task.cells.filter((cell) => curves.byCell.has(cell.cell));
    if (shown.length === 0)
        return null;
    let metric = 'val_dice';
    const holder = h('div', {});
    const show = (width) => holder.replaceChildren(...drawCurves(task, shown, metric, width));
    const option = ([id, label]) => h('label', {}, h('input', {
        type: 'radio', name: task.id + '-metric', value: id, checked: id === metric,
        change: () => {
            metric = id;
            show(holder.clientWidth);
        },
    }), label);
    const choice = h('fieldset', {class: 'choice'},
                     h('legend', {}, 'Curves of'), METRICS.map(option));
    const best = Math.min(CURVES_MOST, task.ranked.length);
    const leaders = best ? `${best > 1 ? `The ${best} best cells` : 'The best cell'} in colour`
        : 'No cell is finished';
    const caption =
        `${leaders}; in grey all that were begun (${groups(shown.length)}), ` +
        'each by its best run. ' +
        'Dashed lines: where a round begins, from the best weights of the one before. What lies ' +
        'above the scale runs along its upper edge.' +
        ofThese + (curves.stride > 1 ? ` Every ${curves.stride}th epoch is drawn.` : '');
    return figure(task.id + '-curves', 'Learning curves', caption, (width) => {
        show(width);
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
    const high = Math.min(sorted[sorted.length - 1], 2 * quantile(sorted, 0.98));
    return [sorted[0] / 1.05, high * 1.05];
}

// Sizes in pixels, and where a value of an epoch is drawn.
function measureCurves(lists, domain, width) {
    const wide = width > 500, left = 56, right = wide ? 92 : 12, top = 22, bottom = 40;
    const height = wide ? 360 : 280;
    const epochs = Math.max(...lists.map((item) => item.values.length)), stride = curves.stride;
    const inner = width - left - right, span = Math.log(domain[1] / domain[0]);
    const x = (i) => left + (epochs > 1 ? i / (epochs - 1) : 0.5) * inner;
    const y = (v) => top + Math.log(domain[1] / v) / span * (height - top - bottom);
    return {wide, left, right, top, bottom, width, height, epochs, stride, domain, x, y};
}

// Interrupted where there is no value.
function curvePath(values, {x, y, top}) {
    const point = (v, i) => {
        const command = i > 0 && values[i - 1] > 0 ? 'L' : 'M';
        return `${command}${x(i).toFixed(1)},${Math.max(top, y(v)).toFixed(1)}`;
    };
    return [...values].map((v, i) => (v > 0 ? point(v, i) : '')).join('');
}

function drawCurves(task, shown, metric, width) {
    const lists = shown.map((cell) => {
        const run = bestRun(cell);
        return {cell, run, values: curves.of(run, metric)};
    });
    const domain = curvesDomain(lists.map((item) => item.values));
    if (!domain)
        return [note('No values were recorded.')];
    const label = METRICS.find(([id]) => id === metric)[1];
    const at = measureCurves(lists, domain, width);
    const canvas = h('canvas', {'aria-hidden': 'true'});
    paintCurves(canvas, lists, at);
    const svg = plot(width, at.height, `${label} over epochs of ${counted(lists.length, 'cell')}`);
    drawCurveAxes(svg, lists, label, at);
    const find = (cell) => lists.find((item) => item.cell === cell);
    const leaders = task.ranked.slice(0, CURVES_MOST).map(find).filter(Boolean);
    drawLeaders(svg, leaders, at);
    exploreCurves(svg, task, lists, label, at);
    const name = (item, i) => coloured(`${i + 1} ${cellName(item.cell)} `, lineColour(i));
    const layers = h('div', {class: 'layers'}, canvas, svg);
    return at.wide ? [layers] : [layers, keys(leaders.map(name))];
}

// Where the leaders' names stand: beside the ends of their curves, but not over each other.
function spreadEnds(leaders, at) {
    const lowest = at.height - at.bottom - 4, distance = 13;
    const ends = leaders.map((item) => at.y(item.values[item.values.length - 1]));
    const order = ends.map((_, i) => i).sort((a, b) => ends[a] - ends[b]);
    order.forEach((i, k) => {
        if (k > 0)
            ends[i] = Math.max(ends[i], ends[order[k - 1]] + distance);
    });
    order.reverse().forEach((i, k) => {
        ends[i] = Math.min(ends[i], k > 0 ? ends[order[k - 1]] - distance : lowest);
    });
    return ends;
}

function drawLeaders(svg, leaders, at) {
    const ends = spreadEnds(leaders, at);
    leaders.forEach((item, i) => {
        const colour = lineColour(i);
        svg.append(curve(curvePath(item.values, at), {
            stroke: colour, 'stroke-dasharray': DASHES[i], 'stroke-width': i ? 1.75 : 2.5,
        }));
        if (item.values.length === 1)
            svg.append(circle(null, at.x(0), at.y(item.values[0]), 4, {fill: colour}));
        if (at.wide) {
            const name = `${i + 1}  ${cellName(item.cell)}`;
            const x = at.width - at.right + 6;
            svg.append(text(x, ends[i] + 4, name, {class: 'end', fill: colour}));
        }
    });
}

function exploreCurves(svg, task, lists, label, at) {
    const chosen = s('g', {});
    svg.append(chosen);
    const items = lists.map((item) => {
        const last = item.values.length - 1;
        return {...item, x: at.x(last), y: at.y(item.values[last])};
    });
    let pointed = 0; // the epoch under the pointer
    const near = (px, py) => {
        pointed = Math.round((px - at.left) / (at.width - at.left - at.right) * (at.epochs - 1));
        let best = -1, least = 24;
        lists.forEach((item, i) => {
            const distance = Math.abs(at.y(item.values[pointed]) - py);
            if (distance < least)
                [best, least] = [i, distance];
        });
        return best;
    };
    const describe = (item) => {
        const i = clamp(pointed, 0, item.values.length - 1), epoch = i * at.stride + 1;
        const value = [`${label}, epoch ${epoch}`, score(item.values[i])];
        return [...cellLines(task, item.cell), value];
    };
    const mark = (item) => chosen.replaceChildren(
        ...(item ? [s('path', {class: 'curve chosen', d: curvePath(item.values, at)})] : [])
    );
    explorable(interactive(svg, 'learning curves'), items, near, describe, mark);
}

// All curves in grey: thousands of paths would be slow.
function paintCurves(canvas, lists, {x, y, width, height, left, right, top, bottom}) {
    const density = Math.min(3, window.devicePixelRatio || 1), context = canvas.getContext('2d');
    canvas.width = width * density;
    canvas.height = height * density;
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
    context.scale(density, density);
    context.beginPath();
    context.rect(left, top, width - left - right, height - top - bottom);
    context.clip();
    context.strokeStyle = context.fillStyle = isDark() ? '#fff' : '#000';
    context.globalAlpha = clamp(8 / lists.length, 0.04, 0.4);
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

function drawCurveAxes(svg, lists, label, at) {
    const {left, top, stride} = at, right = at.width - at.right, bottom = at.height - at.bottom;
    for (const value of logTicks(...at.domain))
        svg.append(across('grid', left, right, at.y(value)),
                   tick(left - 7, at.y(value) + 3.5, short(value), 'end'));
    const round = ticks(1, at.epochs * stride, at.wide ? 10 : 5).filter(Number.isInteger);
    for (const epoch of at.epochs > 1 ? round : [1])
        svg.append(tick(at.x((epoch - 1) / stride), bottom + 15, epoch, 'middle'));
    drawRounds(svg, lists, at, bottom);
    svg.append(across('axis', left, right, bottom));
    svg.append(title((left + right) / 2, at.height - 6, 'epoch'));
    svg.append(sideTitle((top + bottom) / 2, label + ' (log scale)'));
}

// Where rounds begin. The longest schedule speaks for all when no other contradicts it.
function drawRounds(svg, lists, {x, stride, top}, bottom) {
    const schedules = lists.map((item) => item.run.rounds).sort((a, b) => b.length - a.length);
    const longest = schedules[0], agrees = (rounds) => rounds.every((v, i) => v === longest[i]);
    if (!schedules.every(agrees))
        return;
    longest.forEach((epoch, i) => {
        const isFirst = epoch === 0, at = x(epoch / stride) - (isFirst ? 0 : (x(1) - x(0)) / 2);
        if (!isFirst)
            svg.append(upright('round', at, top, bottom));
        svg.append(text(at + (isFirst ? 0 : 5), top - 8, `round ${i + 1}`, {class: 'strip'}));
    });
}
