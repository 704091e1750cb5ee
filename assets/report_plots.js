// SPDX-License-Identifier: MIT
// Elements, colours, the tooltip, and what all plots share. Texts become text nodes and attributes, never markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {}))
        if (typeof value === 'function')
            element.addEventListener(name, value);
        else if (value !== null && value !== undefined && value !== false)
            element.setAttribute(name, value === true ? '' : value);
    for (const child of children.flat(Infinity))
        if (child !== null && child !== undefined && child !== false)
            element.append(child);
    return element;
}
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
// A colour of its own is a style: the sheet's rule for texts would win over an attribute.
function text(x, y, content, {fill: colour, ...attributes} = {}) {
    const element = s('text', {x, y, ...attributes}, content);
    if (colour)
        element.style.fill = colour;
    return element;
}

// ---- colours ----

// Viridis, by 9 of its points.
const SCALE = [[68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121],
               [110, 206, 88], [181, 222, 43], [253, 231, 37]];
// Okabe and Ito's, in the order of src/report/predictions.c.
const CATEGORIES = ['#e69f00', '#0072b2', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#808080'];
const LINES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];
const LINES_DARK = ['#56b4e9', '#f0803c', '#2fc79a', '#e6a3c8', '#f0c04a'];
const darkMode = window.matchMedia('(prefers-color-scheme: dark)');
const isDark = () => darkMode.matches && !window.matchMedia('print').matches;
const lineColour = (i) => (isDark() ? LINES_DARK : LINES)[i % LINES.length];

// 0: best. The best end of the scale is the one that stands out from the paper: dark on white, bright on black.
function heat(share) {
    const at = Math.min(1, Math.max(0, isDark() ? 1 - share : share)) * (SCALE.length - 1);
    const i = Math.min(SCALE.length - 2, Math.floor(at));
    return SCALE[i].map((c, k) => Math.round(c + (SCALE[i + 1][k] - c) * (at - i)));
}
const rgb = (c) => `rgb(${c.join(',')})`;
const inkOn = (c) => (0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2] > 140 ? '#000' : '#fff');
const shareOf = (model, dice) => {
    const [low, high] = model.range;
    return high > low ? (dice - low) / (high - low) : 0;
};

// ---- scales ----

function ticks(low, high, count) {
    if (!(high > low))
        return [low];
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
    const list = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
        list.push(Number((i * step).toPrecision(12)));
    return list;
}

// Of a logarithmic axis: the steps of a decade with which there are at least four, else plain ones.
function logTicks(low, high) {
    for (const steps of [[1], [1, 3], [1, 2, 3, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]]) {
        const list = [];
        for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
            list.push(...steps.map((m) => Number((m * 10 ** e).toPrecision(3))).filter((v) => v >= low * 0.999 && v <= high * 1.001));
        if (list.length >= 4)
            return list;
    }
    return ticks(low, high, 4).filter((v) => v > 0);
}

function axisTicks(axis, count) {
    const low = axis.values[0], high = axis.values[axis.values.length - 1];
    return axis.log ? logTicks(low, high) : ticks(low, high, count);
}

const textWidth = (content, size) => String(content).length * size * 0.56;
const cut = (content, width, size) => {
    const most = Math.max(3, Math.floor(width / (size * 0.56)));
    return content.length > most ? content.slice(0, most - 1) + '\u2026' : content;
};

// ---- tooltip ----

const tip = byId('tip');

function showTip(lines, x, y) {
    const [title, ...rows] = lines;
    tip.replaceChildren(h('strong', {}, title),
                        h('dl', {}, rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])));
    tip.hidden = false;
    const box = tip.getBoundingClientRect(), room = document.documentElement.clientWidth;
    const left = x + 14 + box.width > room ? x - 14 - box.width : x + 14;
    const top = y + 14 + box.height > window.innerHeight ? y - 14 - box.height : y + 14;
    tip.style.left = Math.max(4, Math.min(left, room - box.width - 4)) + 'px';
    tip.style.top = Math.max(4, top) + 'px';
}
const hideTip = () => {
    tip.hidden = true;
};
window.addEventListener('scroll', hideTip, {passive: true});
window.addEventListener('keydown', (event) => event.key === 'Escape' && hideTip());

// What is known of a cell.
function cellLines(model, cell) {
    const state = STATES.find(([id]) => id === cell.state);
    const lines = [cellName(cell)];
    if (isNumber(cell.dice))
        lines.push(['dice loss', score(cell.dice)]);
    if (cell.rank)
        lines.push(['rank', `${cell.rank} of ${model.ranked.length}`]);
    else
        lines.push(['state', state ? state[1] : cell.state]);
    if (isNumber(cell.loss))
        lines.push(['loss', score(cell.loss)]);
    for (const axis of model.axes)
        lines.push([axis.label, short(cell.options[axis.name])]);
    if (isNumber(cell.round))
        lines.push(['best at', `run ${cell.run + 1}, round ${cell.round + 1}, epoch ${cell.epoch + 1}`]);
    if (cell.failure)
        lines.push(['failure', cell.failure.slice(0, 160)]);
    return lines;
}

// Lets a plot be explored by pointer and by arrow keys. items: [{x, y, ...}] in the plot's pixels; near(x, y) gives the index of
// the item that is meant, or -1; mark(item or null) shows which one it is.
function explorable(svg, items, near, describe, mark) {
    let current = -1;
    const show = (index, x, y) => {
        current = index;
        mark(items[index]);
        showTip(describe(items[index]), x, y);
    };
    const showHere = (index) => {
        const box = svg.getBoundingClientRect();
        show(index, box.left + items[index].x, box.top + items[index].y);
    };
    const hide = () => {
        mark(null);
        hideTip();
    };
    svg.addEventListener('pointermove', (event) => {
        const box = svg.getBoundingClientRect();
        const index = near((event.clientX - box.left) * svg.viewBox.baseVal.width / box.width,
                           (event.clientY - box.top) * svg.viewBox.baseVal.height / box.height);
        if (index >= 0)
            show(index, event.clientX, event.clientY);
        else
            hide();
    });
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('focus', () => {
        if (svg.matches(':focus-visible'))
            showHere(Math.max(0, current));
    });
    svg.addEventListener('keydown', (event) => {
        const [dx, dy] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key] || [0, 0];
        if (!dx && !dy)
            return;
        event.preventDefault();
        const from = items[Math.max(0, current)];
        let best = -1, least = Infinity;
        items.forEach((item, i) => {
            const x = item.x - from.x, y = item.y - from.y;
            const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
            if (ahead > 0.5 && ahead + 3 * aside < least) {
                least = ahead + 3 * aside;
                best = i;
            }
        });
        if (best >= 0)
            showHere(best);
    });
}

const nearest = (items, reach) => (x, y) => {
    let best = -1, least = reach * reach;
    items.forEach((item, i) => {
        const d = (item.x - x) ** 2 + (item.y - y) ** 2;
        if (d < least) {
            least = d;
            best = i;
        }
    });
    return best;
};

function plot(width, height, label, ...children) {
    return s('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label}, ...children);
}
const interactive = (svg, what) => {
    svg.setAttribute('role', 'application');
    svg.setAttribute('tabindex', '0');
    svg.setAttribute('aria-roledescription', what + ', explored with the arrow keys');
    return svg;
};

// ---- figures ----

const drawn = [];
let figureCount = 0;

// A numbered figure; draw(width) gives its content, again whenever the width or the colours change.
function figure(id, title, caption, draw) {
    const body = h('div', {class: 'plot'});
    const element = h('figure', {id, 'aria-labelledby': id + '-title'},
                      h('figcaption', {},
                        h('h3', {id: id + '-title'}, title),
                        h('p', {}, h('span', {class: 'number'}, `Figure ${++figureCount}. `), caption)),
                      body);
    drawn.push({body, draw, width: 0});
    return element;
}

function drawAll(force) {
    for (const item of drawn) {
        const width = Math.floor(item.body.clientWidth);
        if (width > 0 && (force || width !== item.width)) {
            item.width = width;
            item.body.replaceChildren(...[item.draw(width)].flat());
        }
    }
}

function watchSize() {
    let waiting = 0;
    window.addEventListener('resize', () => {
        clearTimeout(waiting);
        waiting = setTimeout(drawAll, 120, false);
    });
    darkMode.addEventListener('change', () => drawAll(true));
    window.matchMedia('print').addEventListener('change', () => drawAll(true));
    window.addEventListener('beforeprint', () => drawAll(true));
    window.addEventListener('afterprint', () => drawAll(true));
}

const note = (...content) => h('p', {class: 'note'}, ...content);
const scrolling = (label, ...content) => h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label}, ...content);
