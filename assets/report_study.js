// SPDX-License-Identifier: MIT
// The figures of the whole study: scores of all tasks, cells over time.

function overviewFigure() {
    const tasks = data.tasks.filter((task) => task.best);
    if (sum(tasks.map((task) => task.rankedCount)) < 2)
        return null;
    const rug = data.page ? 'ticks have equally many of them between' : 'a tick each';
    const caption = `Validation dice loss of every finished cell: ${rug}, median as a long ` +
        'tick, the best as a circle. Cells far worse than the others are counted at the right ' +
        'edge.';
    return figure('overview', 'Distribution of scores', caption,
                  (width) => drawOverview(tasks, width));
}

function drawOverview(tasks, width) {
    const wide = width > 560, left = wide ? 130 : 8, right = 12, row = wide ? 40 : 56;
    const height = tasks.length * row + 40;
    const worst = (task) => Math.max(task.range[1], quantile(task.sorted, 0.5));
    const [low, high] = extent(tasks.flatMap((task) => [task.best.dice, worst(task)]));
    const share = (v) => (high > low ? (Math.min(v, high) - low) / (high - low) : 0.5);
    const x = (v) => left + share(v) * (width - left - right);
    const svg = plot(width, height, 'Distribution of the dice loss of each task');
    for (const value of ticks(low, high, width / 110))
        svg.append(upright('grid', x(value), 4, height - 34),
                   tick(x(value), height - 20, short(value), 'middle'));
    tasks.forEach((task, i) => {
        const y = row * i + row - 18, name = cut(task.name, 116, 12);
        const best = score(task.best.dice), bestX = x(task.best.dice);
        const inside = [...task.sorted].filter((v) => v <= high);
        const rug = inside.map((v) => `M${x(v).toFixed(1)},${y - 8}v16`).join('');
        svg.append(wide ? text(left - 14, y + 4, name, {class: 'label', 'text-anchor': 'end'})
            : text(0, y - 20, `${name}: ${best}`, {class: 'label', 'text-anchor': 'start'}));
        svg.append(s('path', {class: 'rug', d: rug}));
        const median = x(quantile(task.sorted, 0.5));
        svg.append(s('path', {class: 'rug median', d: `M${median},${y - 13}v26`}));
        svg.append(circle('top', bestX, y, 5));
        if (inside.length < task.sorted.length)
            svg.append(text(width - right, y - 12, beyondText(task, inside.length), {
                class: 'tick halo', 'text-anchor': 'end',
            }));
        const bestLabel = Math.min(bestX, width - 60);
        if (wide)
            svg.append(text(bestLabel, y - 12, best, {class: 'tick strong halo'}));
    });
    svg.append(title((left + width - right) / 2, height - 3, 'validation dice loss'));
    return svg;
}

// What lies beyond the scale, where so many do not.
function beyondText({sorted, rankedCount}, inside) {
    const worst = short(Number(sorted[sorted.length - 1].toPrecision(3)));
    const share = (sorted.length - inside) / sorted.length;
    return `${groups(Math.round(share * rankedCount))} more, up to ${worst} \u25b8`;
}

const deviceOf = (cell) => cell.device || 'unknown device';

function progressFigure() {
    const isTime = (time) => !Number.isNaN(time);
    const ended = allCells.map((cell) => ({device: deviceOf(cell), time: toTime(cell.end)}))
        .filter((item) => isTime(item.time)).sort((a, b) => a.time - b.time);
    const begun = allCells.map((cell) => toTime(cell.start)).filter(isTime);
    if (ended.length < 6)
        return null;
    const names = [...new Set(ended.map((item) => item.device))].sort();
    const lists = names.map((name) => ended.filter((item) => item.device === name));
    const from = Math.min(...begun, ended[0].time), to = ended[ended.length - 1].time;
    const key = (name, i) => coloured(`${PROGRESS_SIGNS[i % 4]} ${name}`, lineColour(i));
    return figure('progress', 'Cells over time',
                  'Cells that had ended, by the device that trained them.' + ofThese,
                  (width) => [drawProgress(lists, from, to, width), keys(names.map(key))]);
}

// How a device's line is dashed, and its key.
const PROGRESS_DASHES = ['', '6 3', '2 3', '8 3 2 3'];
const PROGRESS_SIGNS = ['\u2500', '\u2504', '\u00b7\u00b7\u00b7', '\u2504\u00b7'];

function unitOf(milliseconds) {
    if (milliseconds / 3.6e6 >= 72)
        return ['days', 8.64e7];
    return milliseconds > 7.2e6 ? ['hours', 3.6e6] : ['minutes', 6e4];
}

// lists: of each device, {time} of the cells in their order.
function drawProgress(lists, from, to, width) {
    const height = 240, left = 48, bottom = 40, top = 12, right = 12, span = to - from;
    const most = Math.max(...lists.map((list) => list.length)), [unit, size] = unitOf(span);
    const share = (time) => (span > 0 ? (time - from) / span : 1);
    const x = (time) => left + share(time) * (width - left - right);
    const y = (n) => top + (1 - n / most) * (height - top - bottom);
    const svg = plot(width, height, 'Number of cells that had ended over time');
    for (const n of ticks(0, most, Math.min(6, most)))
        svg.append(across('grid', left, width - right, y(n)),
                   tick(left - 7, y(n) + 3.5, groups(n), 'end'));
    for (const value of ticks(0, span / size, width / 90))
        svg.append(tick(x(from + value * size), height - 24, short(value), 'middle'));
    const middle = (left + width - right) / 2;
    svg.append(title(middle, height - 6, `${unit} since the study began`));
    svg.append(sideTitle((top + height - bottom) / 2, 'cells'));
    lists.forEach((list, i) => {
        const stair = (item, k) => `H${x(item.time).toFixed(1)}V${y(k + 1).toFixed(1)}`;
        svg.append(curve(`M${left},${y(0)}${list.map(stair).join('')}`, {
            stroke: lineColour(i), 'stroke-width': 1.75, 'stroke-dasharray': PROGRESS_DASHES[i % 4],
        }));
    });
    return svg;
}
