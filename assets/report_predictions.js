// SPDX-License-Identifier: MIT
// Predictions: label maps as contours over the image, and larger on a click.

function loadPicture(url) {
    return new Promise((resolve, reject) => {
        const image = new Image();
        image.onload = () => resolve(image);
        image.onerror = reject;
        image.src = url;
    });
}

// The pixels of a picture as numbers that are equal where the colours are.
function pixelsOf(image) {
    const canvas = h('canvas', {width: image.naturalWidth, height: image.naturalHeight});
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const {data: bytes} = context.getImageData(0, 0, canvas.width, canvas.height);
    return new Uint32Array(bytes.buffer);
}

// The sides of the pixels at which a label ends, by its colour: {colour: [x1, y1, x2, y2...]}. Of
// two labels that touch, each has its own.
function contoursOf(pixels, cols, rows, none) {
    const sides = new Map(), inset = 0.12;
    const add = (colour, ...side) => {
        const list = sides.get(colour) || [];
        list.push(...side);
        sides.set(colour, list);
    };
    const at = (x, y) => (x < 0 || y < 0 || x >= cols || y >= rows ? none : pixels[y * cols + x]);
    for (let y = 0; y < rows; y++)
        for (let x = 0; x < cols; x++) {
            const own = at(x, y), left = x + inset, right = x + 1 - inset;
            const top = y + inset, bottom = y + 1 - inset;
            if (own === none)
                continue;
            if (at(x - 1, y) !== own)
                add(own, left, y, left, y + 1);
            if (at(x + 1, y) !== own)
                add(own, right, y, right, y + 1);
            if (at(x, y - 1) !== own)
                add(own, x, top, x + 1, top);
            if (at(x, y + 1) !== own)
                add(own, x, bottom, x + 1, bottom);
        }
    return sides;
}

const WHITE = 0xffffffff; // no label, in the bytes' order
const colourOf = (pixel) => rgb([pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255]);

// The image with the contours of a map, `scale` pixels to one of its own; lines are `line` wide.
function paintContours(canvas, input, map, scale, line) {
    const cols = map.naturalWidth, rows = map.naturalHeight, context = canvas.getContext('2d');
    canvas.width = cols * scale;
    canvas.height = rows * scale;
    context.imageSmoothingEnabled = false;
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (input)
        context.drawImage(input, 0, 0, canvas.width, canvas.height);
    const sides = contoursOf(pixelsOf(map), cols, rows, WHITE);
    const draw = (list, colour, width) => {
        context.beginPath();
        for (let i = 0; i < list.length; i += 4) {
            context.moveTo(list[i] * scale, list[i + 1] * scale);
            context.lineTo(list[i + 2] * scale, list[i + 3] * scale);
        }
        [context.strokeStyle, context.lineWidth, context.lineCap] = [colour, width, 'square'];
        context.stroke();
    };
    for (const list of sides.values())
        draw(list, '#000', line * 1.5);
    for (const [pixel, list] of sides)
        draw(list, colourOf(pixel), line);
}

// A picture that is wide enough for lines: three times its size, or more where it is small.
const scaleOf = (map) => clamp(Math.ceil(900 / map.naturalWidth), 3, 8);

// Small pictures have lines that are still seen where they are three in a row.
async function drawContours(canvas, image, url, isLarge) {
    const [map, input] = await Promise.all([
        loadPicture(url), image.input ? loadPicture(image.input) : null]);
    const scale = scaleOf(map), line = isLarge ? scale * 0.24 : scale * map.naturalWidth / 120;
    paintContours(canvas, input, map, scale, line);
}

// ---- larger ----

function showLarge(title, picture) {
    let size = 100;
    const view = h('div', {class: 'view'}, picture), label = h('span', {});
    const show = (value) => {
        size = clamp(value, 100, 800);
        picture.style.width = size + '%';
        label.textContent = size + THIN + '%';
    };
    const button = (content, name, click) => h(
        'button', {type: 'button', class: 'more', 'aria-label': name, click}, content);
    const dialog = h('dialog', {'aria-label': title, close: () => dialog.remove()},
                     h('div', {class: 'tools'}, h('b', {}, title),
                       button(MINUS, 'smaller', () => show(size / 2)), label,
                       button('+', 'larger', () => show(size * 2)),
                       button('Close', 'close', () => dialog.close())), view);
    show(100);
    document.body.append(dialog);
    dialog.showModal();
}

// ---- the pictures of an image ----

function contourPicture(image, url, alt, isLarge) {
    const canvas = h('canvas', {role: 'img', 'aria-label': alt, width: 3, height: 1});
    drawContours(canvas, image, url, isLarge).catch(() => canvas.replaceWith(note('no picture')));
    return canvas;
}

function labelMap(image, maps, name, group) {
    const alt = `${name} of ${image.name}${group ? `, ${group}` : ''}`, url = maps[name];
    const make = (isLarge) => (name === 'errors' ? h('img', {src: url, alt})
        : contourPicture(image, url, alt, isLarge));
    const open = h('button', {type: 'button', class: 'stack', title: 'larger', click: () => {
        showLarge(alt, make(true));
    }}, make(false));
    return h('div', {}, open, h('span', {}, name));
}
