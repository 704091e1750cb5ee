// SPDX-License-Identifier: MIT
// Parallel coordinates of a task: a line a cell.

const leaderCount = (task) => clamp(Math.floor(task.ranked.length / 10), 1, 10);

function parallelFigure(task) {
    if (task.ranked.length < 2 || task.axes.length < 2)
        return null;
    const leaders = leaderCount(task);
    const caption =
        'A line is a cell; its colour is its rank, dark lines are better on white, bright ones ' +
        'on black. At each value the lines are fanned out by rank, the best on top. Drawn ' +
        'thicker: ' +
        (leaders > 1 ? `the ${leaders} best.` : 'the best.') + ofThese;
    const room = 92 * (task.axes.length + 1);
    return figure(task.id + '-parallel', 'Parallel coordinates', caption, (width) => scrolling(
        'Parallel coordinates', drawParallel(task, Math.max(width, room))
    ));
}

// Sizes in pixels; axis i stands at column(i), the dice loss behind the last one. `y` gives where a
// cell crosses an axis.
function measureParallel(task, width) {
    const height = 330, top = 34, bottom = 22, left = 54, right = 62;
    const n = task.axes.length, count = task.ranked.length, inner = height - top - bottom;
    const low = task.best.dice, high = task.sorted[task.sorted.length - 1];
    const shareOfDice = (v) => (high > low ? (high - v) / (high - low) : 0.5);
    const spread = (axis) => Math.min(30, inner / axis.values.length * 0.62);
    const y = (axis, cell) => {
        if (axis.continuous)
            return top + inner - axis.at(cell.options[axis.name]) * inner;
        const middle = top + inner - (axis.of(cell) + 0.5) / axis.values.length * inner;
        return middle + ((cell.rank - 1) / task.rankedCount - 0.5) * spread(axis);
    };
    return {
        width, height, top, left, n, count, inner, low, high, y,
        column: (i) => left + i / n * (width - left - right),
        yDice: (v) => top + shareOfDice(v) * inner,
    };
}

// A cell's line through where it crosses the axes, bent.
function strandPath(ys, {column}) {
    const half = (column(1) - column(0)) / 2, point = (x, y) => `${x.toFixed(1)},${y.toFixed(1)}`;
    return ys.map((y, i) => {
        const x = column(i), middle = x - half;
        return i === 0 ? `M${x},${y.toFixed(1)}`
            : `C${point(middle, ys[i - 1])} ${point(middle, y)} ${point(x, y)}`;
    }).join('');
}

function drawParallel(task, width) {
    const at = measureParallel(task, width);
    const lines = task.ranked.map((cell) => {
        const ys = [...task.axes.map((axis) => at.y(axis, cell)), at.yDice(cell.dice)];
        return {cell, ys, path: strandPath(ys, at)};
    });
    const svg = plot(width, at.height, `Parallel coordinates of ${counted(at.count, 'cell')}`);
    drawStrands(svg, lines, leaderCount(task));
    [...task.axes, null].forEach((axis, i) => svg.append(parallelAxis(axis, at.column(i), at)));
    exploreStrands(svg, task, lines, at);
    return svg;
}

// In 16 colours by rank, the best on top.
function drawStrands(svg, lines, leaders) {
    const buckets = Array.from({length: 16}, () => []), join = (list) => list.join('');
    const opacity = clamp(60 / lines.length, 0.25, 0.9);
    lines.forEach((line, i) => buckets[Math.floor(i / lines.length * 16)].push(line.path));
    buckets.reverse().forEach((bucket, i) => svg.append(s('path', {
        class: 'strand', d: join(bucket), stroke: rgb(heat(1 - (i + 0.5) / 16)),
        'stroke-opacity': opacity,
    })));
    const best = join(lines.slice(0, leaders).map((line) => line.path));
    svg.append(s('path', {class: 'strand leaders', d: best, stroke: rgb(heat(0))}));
}

function exploreStrands(svg, task, lines, {column, n, left}) {
    const chosen = s('g', {});
    svg.append(chosen);
    const items = lines.map((line) => ({...line, x: column(n), y: line.ys[n]}));
    const near = (px, py) => {
        const gap = column(1) - left, i = clamp(Math.floor((px - left) / gap), 0, n - 1);
        const t = clamp((px - column(i)) / gap, 0, 1), bend = t * t * (3 - 2 * t);
        let best = -1, least = 14;
        lines.forEach(({ys}, k) => {
            const distance = Math.abs(ys[i] + (ys[i + 1] - ys[i]) * bend - py);
            if (distance < least)
                [best, least] = [k, distance];
        });
        return best;
    };
    const mark = (item) => chosen.replaceChildren(
        ...(item ? [s('path', {class: 'strand chosen', d: item.path})] : [])
    );
    explorable(interactive(svg, 'parallel coordinates'), items, near,
               (item) => cellLines(task, item.cell), mark);
}

// An axis with its values; of null, the dice loss, whose numbers stand on the other side.
function parallelAxis(axis, x, {top, inner, low, high, column, left, yDice}) {
    const group = s('g', {}), room = column(1) - left;
    const label = (y, content) => group.append(text(x + (axis ? -7 : 7), y + 3.5, content, {
        class: 'tick halo', 'text-anchor': axis ? 'end' : 'start',
    }));
    const y = (share) => top + inner - share * inner;
    group.append(upright('axis', x, top - 4, top + inner + 4));
    group.append(title(x, 14, axis ? cut(axis.label, room - 4, 11) : 'dice loss'));
    if (!axis) {
        ticks(low, high, 5).forEach((value) => label(yDice(value), short(value)));
    } else if (axis.continuous) {
        axisTicks(axis, 5).forEach((value) => label(y(axis.at(value)), short(value)));
    } else {
        const count = axis.values.length, every = Math.ceil(count * 12 / inner);
        axis.values.forEach((value, i) => {
            if (i % every === 0)
                label(y((i + 0.5) / count), cut(short(value), 54, 10));
        });
    }
    return group;
}
