// SPDX-License-Identifier: MIT
// Elements, colours, the tooltip, and what all plots share. Texts become text nodes and attributes,
// never markup.

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
const s = (tag, attributes, ...children) => fill(
    document.createElementNS(SVG, tag), attributes, children
);
// A colour of its own is a style: the sheet's rule for texts would win over an attribute.
function text(x, y, content, {fill: colour, ...attributes} = {}) {
    const element = s('text', {x, y, ...attributes}, content);
    if (colour)
        element.style.fill = colour;
    return element;
}

const section = (id, title, ...content) => h('section', {id}, h('h2', {}, title), ...content);
const block = (id, title, ...content) => h(
    'section', {id, class: 'block'}, h('h3', {}, title), ...content
);
const lead = (...content) => h('p', {class: 'lead'}, ...content);
const note = (...content) => h('p', {class: 'note'}, ...content);
const keys = (...content) => h('p', {class: 'keys'}, ...content);
// What may be wider than the page, and says so where it is.
const scrolling = (label, ...content) => {
    const box = h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label},
                  ...content);
    const words = h('p', {class: 'aside', hidden: true}, 'There is more to the right: scroll.');
    const look = () => {
        words.hidden = box.scrollWidth <= box.clientWidth + 1;
        const left = box.scrollWidth - box.clientWidth - box.scrollLeft;
        box.classList.toggle('more-aside', left > 1);
    };
    box.addEventListener('scroll', look, {passive: true});
    const watcher = new ResizeObserver(look);
    [box, ...box.children].forEach((element) => watcher.observe(element));
    return [box, words];
};
// Names and values below each other.
const fact = ([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
const facts = (kind, rows) => h('dl', {class: kind}, rows.map(fact));

// A text in a colour of its own.
function coloured(content, colour) {
    const element = h('span', {}, content);
    element.style.color = colour;
    return element;
}

// ---- shapes ----

const circle = (kind, cx, cy, r, more) => s('circle', {class: kind, cx, cy, r, ...more});
const rectangle = (kind, x, y, width, height, more) => s(
    'rect', {class: kind, x, y, width, height, ...more}
);
const across = (kind, x1, x2, y) => s('line', {class: kind, x1, x2, y1: y, y2: y});
const upright = (kind, x, y1, y2) => s('line', {class: kind, x1: x, x2: x, y1, y2});
const curve = (d, more) => s('path', {class: 'curve', d, ...more});
const tick = (x, y, content, anchor) => text(x, y, content, {class: 'tick', 'text-anchor': anchor});
const title = (x, y, content, more) => text(
    x, y, content, {class: 'axis-title', 'text-anchor': 'middle', ...more}
);
// Of a vertical axis, at the left edge.
const sideTitle = (y, content) => title(
    0, 0, content, {transform: `translate(11,${y}) rotate(-90)`}
);

// ---- colours ----

// Viridis, by 10 of its points.
const SCALE = [
    [68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142],
    [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37],
];
// Of curves: some of Okabe and Ito's, and lighter ones on black. Labels have those of data.palette.
const LINES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];
const LINES_DARK = ['#56b4e9', '#f0803c', '#2fc79a', '#e6a3c8', '#f0c04a'];
const darkMode = window.matchMedia('(prefers-color-scheme: dark)');
const isDark = () => darkMode.matches && !window.matchMedia('print').matches;
const lineColour = (i) => (isDark() ? LINES_DARK : LINES)[i % LINES.length];

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// 0: best. The best end of the scale is the one that stands out from the paper: dark on white,
// bright on black.
function heat(share) {
    const at = clamp(isDark() ? 1 - share : share, 0, 1) * (SCALE.length - 1);
    const i = Math.min(SCALE.length - 2, Math.floor(at));
    return SCALE[i].map((c, k) => Math.round(c + (SCALE[i + 1][k] - c) * (at - i)));
}
const rgb = (c) => `rgb(${c.join(',')})`;
const inkOn = (c) => (0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2] > 140 ? '#000' : '#fff');
const shareOf = (task, dice) => {
    const [low, high] = task.range;
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
            list.push(...steps.map((m) => Number((m * 10 ** e).toPrecision(3))));
        const inside = list.filter((v) => v >= low * 0.999 && v <= high * 1.001);
        if (inside.length >= 4)
            return inside;
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
    const [head, ...rows] = lines;
    const list = rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]);
    tip.replaceChildren(h('strong', {}, head), h('dl', {}, list));
    tip.hidden = false;
    const box = tip.getBoundingClientRect(), room = document.documentElement.clientWidth;
    const left = x + 14 + box.width > room ? x - 14 - box.width : x + 14;
    const below = y + 14 + box.height <= window.innerHeight;
    const top = below ? y + 14 : y - 14 - box.height;
    tip.style.left = Math.max(4, Math.min(left, room - box.width - 4)) + 'px';
    tip.style.top = Math.max(4, top) + 'px';
}
const hideTip = () => {
    tip.hidden = true;
};
window.addEventListener('scroll', hideTip, {passive: true});
window.addEventListener('keydown', (event) => event.key === 'Escape' && hideTip());

// What is known of a cell.
function cellLines(task, cell) {
    const state = STATES.find(([id]) => id === cell.state);
    const lines = [cellName(cell)];
    if (isNumber(cell.dice))
        lines.push(['dice loss', score(cell.dice)]);
    if (cell.rank)
        lines.push(['rank', `${groups(cell.rank)} of ${groups(task.rankedCount)}`]);
    else
        lines.push(['state', state ? state[1] : cell.state]);
    if (isNumber(cell.loss))
        lines.push(['loss', score(cell.loss)]);
    for (const axis of task.axes)
        lines.push([axis.label, short(cell.options[axis.name])]);
    if (isNumber(cell.round))
        lines.push([
            'best at', `run ${cell.run + 1}, round ${cell.round + 1}, epoch ${cell.epoch + 1}`,
        ]);
    if (cell.failure)
        lines.push(['failure', cell.failure.slice(0, 160)]);
    return lines;
}

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

// The item that lies next in a direction, or -1.
function nextItem(items, from, [dx, dy]) {
    let best = -1, least = Infinity;
    items.forEach((item, i) => {
        const x = item.x - from.x, y = item.y - from.y;
        const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
        if (ahead > 0.5 && ahead + 3 * aside < least) {
            least = ahead + 3 * aside;
            best = i;
        }
    });
    return best;
}

// Lets a plot be explored by pointer and by arrow keys. items: [{x, y, ...}] in the plot's pixels;
// near(x, y) gives the index of the item that is meant, or -1; mark(item or null) shows it.
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
        const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
        const y = (event.clientY - box.top) * svg.viewBox.baseVal.height / box.height;
        const index = near(x, y);
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
        const direction = ARROWS[event.key];
        if (!direction)
            return;
        event.preventDefault();
        const best = nextItem(items, items[Math.max(0, current)], direction);
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
    const viewBox = `0 0 ${width} ${height}`;
    return s('svg', {viewBox, width, height, role: 'img', 'aria-label': label}, ...children);
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
function figure(id, name, caption, draw) {
    const body = h('div', {class: 'plot'}), titleId = id + '-title';
    const number = h('span', {class: 'number'}, `Figure ${++figureCount}. `);
    const words = h('figcaption', {}, h('h3', {id: titleId}, name), h('p', {}, number, caption));
    drawn.push({body, draw, width: 0});
    return h('figure', {id, 'aria-labelledby': titleId}, words, body);
}

function drawAll(force) {
    for (const item of drawn) {
        const width = Math.floor(item.body.clientWidth);
        if (width > 0 && (force || width !== item.width)) {
            item.width = width;
            item.body.replaceChildren(...[item.draw(width)].flat(Infinity).filter(Boolean));
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
