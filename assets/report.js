// SPDX-License-Identifier: MIT
// The page: its sections from top to bottom.

// ---- tables ----

// columns: [{name, label, value(row), text(row), number}]. Sorted by a click on a head; long ones show their beginning.
function table(caption, columns, rows, most) {
    let column = null, down = false, all = rows.length <= most;
    const body = h('tbody', {}), more = h('button', {type: 'button', class: 'more', click: () => {
        all = true;
        render();
    }});
    const heads = columns.map((c) => h('th', {scope: 'col', class: c.number ? 'number' : null}, h('button', {type: 'button', click: () => {
        [column, down] = [c, column === c ? !down : false];
        render();
    }}, c.label)));
    function compare(a, b) {
        const [left, right] = [column.value(a), column.value(b)], missing = (v) => v === null || v === undefined;
        if (missing(left) || missing(right))
            return missing(left) - missing(right);
        return (left < right ? -1 : left > right ? 1 : 0) * (down ? -1 : 1);
    }
    function render() {
        const sorted = column ? [...rows].sort(compare) : rows;
        heads.forEach((head, i) => head.setAttribute('aria-sort', columns[i] === column ? (down ? 'descending' : 'ascending') : 'none'));
        body.replaceChildren(...sorted.slice(0, all ? rows.length : most).map((row) => h('tr', {}, columns.map((c, i) => h(
            i === 0 ? 'th' : 'td', {scope: i === 0 ? 'row' : null, class: c.number ? 'number' : c.wide ? 'wide' : null}, c.text ? c.text(row) : c.value(row))))));
        more.textContent = `Show all ${groups(rows.length)}`;
        more.hidden = all;
    }
    render();
    return h('div', {class: 'table'}, scrolling(caption, h('table', {}, h('caption', {class: 'unseen'}, caption), h('thead', {}, h('tr', {}, heads)), body)), more);
}

const axisColumns = (model) => model.axes.map((axis) => ({
    label: axis.label, number: axis.numeric, value: (cell) => (axis.numeric ? cell.options[axis.name] : axis.of(cell)),
    text: axis.text}));

function rankedTable(model) {
    const seconds = (cell) => sum(cell.runs.map((run) => run[7] || 0)) || null;
    const columns = [
        {label: 'rank', number: true, value: (cell) => cell.rank},
        {label: 'cell', value: (cell) => cell.cell, text: cellName},
        {label: 'dice loss', number: true, value: (cell) => cell.dice, text: (cell) => h('b', {}, score(cell.dice))},
        {label: 'loss', number: true, value: (cell) => cell.loss, text: (cell) => score(cell.loss)},
        ...axisColumns(model),
        {label: 'best at', value: (cell) => 1e6 * cell.round + cell.epoch, text: (cell) => (isNumber(cell.round) ? `${cell.run + 1}: ${cell.round + 1}.${cell.epoch + 1}` : NONE)},
        {label: 'spread', number: true, value: spreadOfRuns, text: (cell) => score(spreadOfRuns(cell))},
        {label: 'training', number: true, value: seconds, text: (cell) => duration(seconds(cell))},
    ];
    return h('section', {id: model.id + '-ranking', class: 'block'}, h('h3', {}, 'Ranking'),
             h('p', {class: 'lead'}, 'Best first: lowest validation dice loss among the epochs that improved the validation loss. Best at: run, round and epoch. Spread: between the best and the worst of a cell\u2019s runs. Training: time of its runs, which share a device with others.'),
             table('Cells in order of their dice loss', columns, model.ranked, 20));
}

function spreadOfRuns(cell) {
    const list = cell.runs.map((run) => run[6]).filter(isNumber);
    return list.length > 1 ? Math.max(...list) - Math.min(...list) : null;
}

// ---- predictions ----

function predictionsSection(model) {
    const p = model.predictions || {why: 'they were not made'};
    const section = h('section', {id: model.id + '-predictions', class: 'block'}, h('h3', {}, 'Predictions of the best cell'));
    if (!p.images) {
        section.append(note(`There are none here: ${p.why}.`));
        return section;
    }
    const some = p.dice.length < p.all ? `${p.dice.length} of the ${p.all} validation images, evenly spread` : `all ${p.all} validation images`;
    section.append(h('p', {class: 'lead'}, `${cellName(p)} on ${some}; shown are ${p.images.length} of them, from the best to the worst by dice loss. `,
                     `The background is ${p.background}. A pixel has the colour of its most probable label, if that reaches 0.5.`));
    section.append(h('p', {class: 'keys'}, p.labels.map((name, i) => swatch(CATEGORIES[i % CATEGORIES.length], name)), h('span', {class: 'break'}),
                     swatch('#000', 'error: missed'), swatch('#a0a0a0', 'error: where there is none'), swatch('#d55e00', 'error: wrong label')));
    section.append(h('div', {class: 'cards'}, p.images.map((image) => h('figure', {class: 'card'},
        h('figcaption', {}, h('b', {}, image.name), h('span', {}, 'dice loss ', score(image.dice))),
        h('div', {class: 'triple'}, [['labels', 'labels'], ['prediction', 'prediction'], ['errors', 'errors']].map(
            ([name, title]) => h('div', {}, h('div', {class: 'stack'}, image.input && name !== 'errors' && h('img', {src: image.input, alt: ''}),
                                              h('img', {src: image[name], alt: `${title} of ${image.name}`, class: 'over'})), h('span', {}, title))))))));
    if (p.dice.length > 1)
        section.append(h('details', {}, h('summary', {}, 'Dice loss of every image'), table('Dice loss of every image', [
            {label: 'image', value: (row) => row[0]}, {label: 'dice loss', number: true, value: (row) => row[1], text: (row) => score(row[1])}], p.dice, 24)));
    return section;
}

function swatch(colour, name) {
    const box = h('span', {class: 'box'});
    box.style.background = colour;
    return h('span', {class: 'key'}, box, name);
}

// ---- sections ----

function stateBar(states, total) {
    const parts = STATES.filter(([id]) => states[id] > 0);
    const bar = h('div', {class: 'states', role: 'img', 'aria-label': parts.map(([id, name]) => `${states[id]} ${name}`).join(', ')},
                  parts.map(([id]) => {
                      const part = h('span', {class: id.toLowerCase()});
                      part.style.flexGrow = states[id] / total;
                      return part;
                  }));
    return h('div', {}, bar, h('p', {class: 'keys'}, parts.map(([id, name]) => h('span', {class: 'key'},
        h('span', {class: 'box ' + id.toLowerCase()}), `${groups(states[id])} ${name}`))));
}

function header() {
    const states = countStates(allCells), ended = states.COMPLETE + states.FAIL + states.PRUNED, total = allCells.length;
    const unfinished = ended < total;
    const facts = [
        ['cells', unfinished ? `${groups(ended)} of ${groups(total)}` : groups(total)],
        ['runs', groups(sum(allCells.map((cell) => cell.runs.length)))],
        ['models', groups(data.models.length)],
        ['device time', duration(sum(data.devices.map((device) => device[4])))],
    ];
    if (unfinished && isNumber(progress.seconds_left))
        facts.push(['time left', duration(progress.seconds_left)]);
    byId('header').append(
        h('p', {class: 'kicker'}, 'Study report'), h('h1', {}, data.name),
        h('p', {class: 'lead'}, summary(states, total, unfinished)),
        h('dl', {class: 'facts'}, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))),
        total > 0 ? stateBar(states, total) : note('The study has no cells yet.'), packsList(unfinished) || '');
    document.title = `${data.name}: study report`;
}

function summary(states, total, unfinished) {
    const finished = data.models.filter((model) => model.best);
    if (finished.length === 0)
        return total ? 'No cell is finished yet. Figures appear here with the first that are.' : '';
    const more = unfinished ? ' The search is not finished: all below shows what is known so far.' : '';
    if (finished.length > 2)
        return 'Lowest validation dice losses are in the table below.' + more;
    const lines = finished.map((model) => `${model.name} reaches ${score(model.best.dice)} (${cellName(model.best)})`);
    return `Lowest validation dice loss: ${lines.join('; ')}.` + more;
}

function packsList(unfinished) {
    const packs = Array.isArray(progress.packs) ? progress.packs : [];
    if (!unfinished || packs.length === 0)
        return null;
    return h('ul', {class: 'packs'}, packs.slice(0, 16).map((pack) => h('li', {},
        `${pack.device}: ${pack.label}, round ${pack.round} of ${pack.rounds}, epoch ${pack.epoch} of ${pack.epochs}`)));
}

function modelsTable() {
    const link = (model) => h('a', {href: '#' + model.id}, model.name);
    return table('Models', [
        {label: 'model', value: (m) => m.name, text: link},
        {label: 'cells', number: true, value: (m) => m.cells.length, text: (m) => groups(m.cells.length)},
        {label: 'complete', number: true, value: (m) => m.states.COMPLETE, text: (m) => groups(m.states.COMPLETE)},
        {label: 'failed', number: true, value: (m) => m.states.FAIL, text: (m) => groups(m.states.FAIL)},
        {label: 'pruned', number: true, value: (m) => m.states.PRUNED, text: (m) => groups(m.states.PRUNED)},
        {label: 'best dice loss', number: true, value: (m) => m.best && m.best.dice, text: (m) => h('b', {}, score(m.best && m.best.dice))},
        {label: 'median', number: true, value: (m) => (m.best ? quantile(m.sorted, 0.5) : null), text: (m) => score(m.best && quantile(m.sorted, 0.5))},
        {label: 'best cell', value: (m) => m.best && m.best.cell, text: (m) => (m.best ? cellName(m.best) : NONE)},
    ], data.models, 50);
}

function fixedValues(model) {
    const first = model.cells[0].options, varied = new Set(model.axes.map((axis) => axis.name));
    const fixed = Object.keys(first).filter((name) => !varied.has(name) && name !== 'inputs' && name !== 'prediction');
    return fixed.map((name) => `${AXIS_NAMES[name] || name} ${short(first[name])}`);
}

function modelSection(model) {
    const names = model.axes.map((axis) => `${axis.label} (${axis.continuous ? 'drawn' : axis.values.length})`);
    const fixed = fixedValues(model), best = model.best;
    const lead = best ? `Best of ${counted(model.ranked.length, 'finished cell')}: ${cellName(best)}, dice loss ${score(best.dice)}` +
        (model.axes.length ? `, with ${model.axes.map((axis) => `${axis.label} ${short(best.options[axis.name])}`).join(', ')}.` : '.')
        : `None of ${counted(model.cells.length, 'cell')} is finished.`;
    return h('section', {id: model.id, class: 'model', 'aria-labelledby': model.id + '-title'}, h('h2', {id: model.id + '-title'}, model.name),
             h('p', {class: 'lead'}, lead, names.length ? ` Varied: ${names.join(', ')}.` : '', fixed.length ? ` Fixed: ${fixed.join(', ')}.` : ''),
             panelsFigure(model), best && rankedTable(model), curvesFigure(model), importanceFigure(model), parallelFigure(model),
             predictionsSection(model));
}

function failuresSection() {
    const bad = data.models.flatMap((model) => model.cells.flatMap((cell) => [
        ...(cell.state === 'PRUNED' ? [{model, cell, what: 'pruned', run: null,
            why: `stopped after ${counted(Math.max(0, ...(curves.byCell.get(cell.cell) || []).map((run) => run.steps * curves.stride)), 'epoch')}` +
                (isNumber(cell.dice) ? ` at a dice loss of ${score(cell.dice)}` : '')}] : []),
        ...cell.runs.filter((run) => run[1] === 'FAIL').map((run) => ({model, cell, what: 'failed', run: run[0], why: run[8] || cell.failure || 'no reason was recorded', attempts: run[2]})),
        ...(cell.state === 'FAIL' && !cell.runs.some((run) => run[1] === 'FAIL') ? [{model, cell, what: 'failed', run: null, why: cell.failure || 'no reason was recorded'}] : []),
    ]));
    const section = h('section', {id: 'failures'}, h('h2', {}, 'Failures and pruned cells'));
    if (bad.length === 0) {
        section.append(h('p', {class: 'lead'}, 'No run failed and no cell was pruned.'));
        return section;
    }
    const reasons = new Map();
    bad.forEach((item) => reasons.set(item.why, (reasons.get(item.why) || 0) + (item.what === 'failed')));
    const common = [...reasons].filter(([, n]) => n > 1).sort((a, b) => b[1] - a[1]).slice(0, 5);
    if (common.length)
        section.append(h('ul', {}, common.map(([why, n]) => h('li', {}, `${counted(n, 'run')}: ${why}`))));
    section.append(table('Failed runs and pruned cells', [
        {label: 'cell', value: (row) => row.cell.cell, text: (row) => cellName(row.cell)},
        {label: 'model', value: (row) => row.model.name},
        {label: 'what', value: (row) => row.what},
        {label: 'run', number: true, value: (row) => row.run, text: (row) => (row.run === null ? 'all' : row.run + 1)},
        {label: 'attempts', number: true, value: (row) => row.attempts, text: (row) => (isNumber(row.attempts) ? row.attempts : NONE)},
        {label: 'why', wide: true, value: (row) => row.why},
        {label: 'device', value: (row) => row.cell.device || null, text: (row) => row.cell.device || NONE},
    ], bad, 20));
    return section;
}

function devicesSection() {
    const section = h('section', {id: 'devices'}, h('h2', {}, 'What ran where, and how fast'));
    if (data.devices.length === 0) {
        section.append(h('p', {class: 'lead'}, 'Nothing has run yet.'));
        return section;
    }
    const speed = (row) => (trainingSamples && row[4] > 0 ? trainingSamples * row[3] / row[4] : null);
    section.append(
        h('p', {class: 'lead'}, trainingSamples ? `An epoch of a run is ${groups(trainingSamples)} training samples, as the partition has them, and a validation. `
            : 'The number of samples differs between cells, so no samples per second are given. ',
          'Runs that a device trains at once share its time; samples/s are those of all of them together.'),
        table('Devices', [
            {label: 'device', value: (row) => row[0] || NONE}, {label: 'driver', value: (row) => row[1] || NONE}, {label: 'model', value: (row) => row[2]},
            {label: 'epochs of runs', number: true, value: (row) => row[3], text: (row) => groups(row[3])},
            {label: 'time', number: true, value: (row) => row[4], text: (row) => duration(row[4])},
            {label: 's per epoch', number: true, value: (row) => row[4] / row[3], text: (row) => short(Number((row[4] / row[3]).toPrecision(3)))},
            {label: 'samples/s', number: true, value: speed, text: (row) => (speed(row) === null ? NONE : short(Number(speed(row).toPrecision(3))))},
        ], data.devices, 40), progressFigure() || '');
    return section;
}

function methodSection() {
    const grid = JSON.stringify(study.grid || {}, null, 1).replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\s+/g, ' '));
    const rows = [['vkgrid', study.version === data.version ? data.version : `${study.version}, report by ${data.version}`],
                  ['sampler', settings.sampler], ['stopping', settings.prune === 'none' ? 'none: every cell is trained to its end' : settings.prune],
                  ['weights kept', settings.keep], ['began', timeText(1000 * progress.started)], ['last change', timeText(1000 * progress.updated)],
                  ['report made', timeText(toTime(data.made))], ['data', data.datasets.filter(Boolean).join(', ') || null]];
    return h('section', {id: 'method'}, h('h2', {}, 'Method'),
             h('p', {}, 'A cell is a point of the grid. It is trained in rounds, each with a fresh optimiser, from the best weights of the round before; its runs differ in their random numbers only. ' +
               'Dice loss is the mean over images and labels of 1 \u2212 (2\u03a3pt + 1) / (\u03a3p\u00b2 + \u03a3t\u00b2 + 1), p being the predicted probabilities and t the labels. A cell\u2019s score is the lowest ' +
               'validation dice loss among epochs that improved the validation loss, of its best run. The validation images choose the cell: for a score that this choice does not flatter, test on others.'),
             h('dl', {class: 'facts rows'}, rows.filter(([, value]) => value && value !== NONE).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, String(value))))),
             h('details', {}, h('summary', {}, 'The grid'), h('pre', {tabindex: '0'}, grid)));
}

function start() {
    header();
    const links = [['#models', 'Models'], ...data.models.map((model) => ['#' + model.id, model.name]), ['#failures', 'Failures'], ['#devices', 'Devices'], ['#method', 'Method']];
    byId('nav').append(...links.map(([href, name]) => h('a', {href}, name)));
    fill(byId('main'), {}, [h('section', {id: 'models'}, data.models.length > 0 && h('h2', {}, 'Models'), data.models.length > 0 && modelsTable(), overviewFigure()),
                            ...data.models.map(modelSection), failuresSection(), devicesSection(), methodSection()]);
    byId('footer').append(`Made by vkgrid ${data.version}. This page needs nothing beside it.`);
    drawAll(true);
    watchSize();
    document.documentElement.dataset.ready = 'true';
}
start();
