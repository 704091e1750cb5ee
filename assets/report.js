// SPDX-License-Identifier: MIT
// The page: its sections from top to bottom.

// ---- predictions ----

function swatch(colour, name) {
    const box = h('span', {class: 'box colour'});
    box.style.background = colour;
    return h('span', {class: 'key'}, box, name);
}

function imageCard(image, groups) {
    const dice = h('span', {}, 'dice loss ', score(image.dice));
    const group = (i) => (groups.length > 1 ? groups[i].name : '');
    const triple = (maps, i) => h('div', {class: 'triple'}, ['labels', 'prediction', 'errors'].map(
        (name) => labelMap(image, maps, name, group(i))));
    return h('figure', {class: 'card'}, h('figcaption', {}, h('b', {}, image.name), dice),
             image.maps.map(triple));
}

function imagesTable(images) {
    const caption = 'Dice loss of every image';
    const columns = [
        {label: 'image', value: (row) => row.image},
        {label: 'dice loss', number: true, value: (row) => row.dice,
         text: (row) => score(row.dice)},
    ];
    return h('details', {}, h('summary', {}, caption), table(caption, columns, images, 24));
}

// Of label maps, unlike the dice loss, which takes probabilities.
function overlapsTable(overlaps) {
    const number = true;
    const columns = [
        {label: 'label', value: (row) => row.label},
        {label: 'images', number, value: (row) => row.count},
        {label: 'Dice, mean', number, value: (row) => row.mean, text: (row) => score(row.mean)},
        {label: 'lowest', number, value: (row) => row.low, text: (row) => score(row.low)},
    ];
    return [
        lead('Dice of each label (of label maps; 1 is perfect) over these images, where either ' +
             'labels or prediction have it.'),
        table('Dice of each label', columns, overlaps, 24),
    ];
}

function predictionsSection(task) {
    const p = task.predictions || {why: 'they were not made'};
    const element = block(task.id + '-predictions', 'Predictions of the best cell');
    if (!p.images)
        return fill(element, {}, [note(`There are none here: ${p.why}.`)]);
    const {errors} = data.palette;
    const labels = p.groups.map((group) => keys(
        p.groups.length > 1 && h('span', {class: 'key'}, `${group.name}:`),
        group.labels.map(([name, colour]) => swatch(colour, name))));
    const mistakes = ['error: missed', 'error: where there is none', 'error: wrong label'];
    const of = p.folds > 0 ? `images of fold ${p.fold + 1} of ${p.folds}, by its network`
        : 'validation images';
    const some = p.dice.length < p.all
        ? `${p.dice.length} of the ${p.all} ${of}, evenly spread` : `all ${p.all} ${of}`;
    return fill(element, {}, [
        lead(`${cellName(p)} on ${some}; shown are ${p.images.length} of them, from the best to ` +
             'the worst by dice loss. ',
             `The background is ${p.background}. A pixel has the colour of its most probable ` +
             'label, if that is more probable than none of them (1 minus the sum of all). Labels ' +
             'and prediction are contours; a click shows a picture larger.'),
        labels, keys(mistakes.map((name, i) => swatch(errors[i], name))),
        h('div', {class: 'cards'}, p.images.map((image) => imageCard(image, p.groups))),
        overlapsTable(p.overlaps), p.dice.length > 1 && imagesTable(p.dice),
    ]);
}

// ---- the head of the page ----

function stateBar(states, total) {
    const parts = STATES.filter(([id]) => states[id] > 0);
    const counts = parts.map(([id, name]) => `${states[id]} ${name}`).join(', ');
    const spans = parts.map(([id]) => {
        const part = h('span', {class: id.toLowerCase()});
        part.style.flexGrow = states[id] / total;
        return part;
    });
    const key = ([id, name]) => h(
        'span', {class: 'key'}, h('span', {class: 'box ' + id.toLowerCase()}),
        `${groups(states[id])} ${name}`
    );
    return h('div', {}, h('div', {class: 'states', role: 'img', 'aria-label': counts}, spans),
             keys(parts.map(key)));
}

function header() {
    const states = allStates, total = allCount;
    const ended = states.COMPLETE + states.FAIL + states.PRUNED, unfinished = ended < total;
    const rows = [
        ['cells', unfinished ? `${groups(ended)} of ${groups(total)}` : groups(total)],
        ['runs', groups(data.page ? data.page.runs : sum(allCells.map((c) => c.runs.length)))],
        ['tasks', groups(data.tasks.length)],
        ['device time', duration(sum(data.devices.map((device) => device.seconds)))],
    ];
    if (unfinished && isNumber(progress.seconds_left))
        rows.push(['time left', duration(progress.seconds_left)]);
    byId('header').append(
        h('p', {class: 'kicker'}, 'Study report'), h('h1', {}, data.name),
        lead(summary(total, unfinished)), facts('facts', rows),
        total > 0 ? stateBar(states, total) : note('The study has no cells yet.'),
        data.page ? note(thinnedWords()) : '',
        packsList(unfinished) || ''
    );
    document.title = `${data.name}: study report`;
}

function thinnedWords() {
    const {cells, shown} = data.page;
    return `This page has ${groups(shown)} of the ${groups(cells)} cells: the best of each task, ` +
        'some that failed, were pruned, run or wait, and others evenly spread over the ranks. ' +
        'Tables and figures of cells are of these. Counts, medians, distributions of scores, ' +
        'shares of variance and device times are of all; study.db has them one by one.';
}

function summary(total, unfinished) {
    const finished = data.tasks.filter((task) => task.best);
    if (finished.length === 0)
        return total ? 'No cell is finished yet. Figures appear here with the first that are.' : '';
    const more = unfinished
        ? ' The search is not finished: all below shows what is known so far.' : '';
    if (finished.length > 2)
        return 'Lowest validation dice losses are in the table below.' + more;
    const line = ({name, best}) => `${name} reaches ${score(best.dice)} (${cellName(best)})`;
    return `Lowest validation dice loss: ${finished.map(line).join('; ')}.` + more;
}

function packsList(unfinished) {
    const packs = Array.isArray(progress.packs) ? progress.packs : [];
    if (!unfinished || packs.length === 0)
        return null;
    const line = ({device, label, round, rounds, epoch, epochs}) => h(
        'li', {}, `${device}: ${label}, round ${round} of ${rounds}, epoch ${epoch} of ${epochs}`
    );
    return h('ul', {class: 'packs'}, packs.slice(0, 16).map(line));
}

// ---- tasks ----

function tasksTable() {
    const number = true, best = (m) => m.best && m.best.dice;
    const median = (m) => (m.best ? quantile(m.sorted, 0.5) : null);
    const count = (label, of) => ({label, number, value: of, text: (m) => groups(of(m))});
    return table('Tasks', [
        {label: 'task', value: (m) => m.name, text: (m) => h('a', {href: '#' + m.id}, m.name)},
        count('cells', (m) => m.count),
        count('complete', (m) => m.states.COMPLETE),
        count('failed', (m) => m.states.FAIL),
        count('pruned', (m) => m.states.PRUNED),
        {label: 'best dice loss', number, value: best, text: (m) => h('b', {}, score(best(m)))},
        {label: 'median', number, value: median, text: (m) => score(median(m))},
        {label: 'best cell', value: (m) => m.best && m.best.cell,
         text: (m) => (m.best ? cellName(m.best) : NONE),
         csv: (m) => m.best && cellName(m.best)},
    ], data.tasks, 50);
}

function fixedValues(task) {
    const first = task.cells[0].options, varied = task.axes.map((axis) => axis.name);
    const isFixed = (name) => !varied.includes(name) && !MODEL_AXES.includes(name);
    const line = (name) => `${AXIS_NAMES[name] || name} ${short(first[name])}`;
    return Object.keys(first).filter(isFixed).map(line);
}

function bestText(task) {
    const {best, axes} = task;
    if (!best)
        return `None of ${counted(task.count, 'cell')} is finished.`;
    const values = axes.map((axis) => `${axis.label} ${short(best.options[axis.name])}`);
    const dice = (label) => `${label} ${score(labelDice(best, label))}`;
    const labels = [...best.labels.keys()].map(dice);
    return `Best of ${counted(task.rankedCount, 'finished cell')}: ${cellName(best)}, ` +
        `dice loss ${score(best.dice)}` + (values.length ? `, with ${values.join(', ')}.` : '.') +
        (labels.length ? ` Dice of its weights: ${labels.join(', ')}.` : '');
}

function taskSection(task) {
    const extentOf = (axis) => (axis.continuous ? 'drawn' : axis.values.length);
    const varied = task.axes.map((axis) => `${axis.label} (${extentOf(axis)})`);
    const fixed = fixedValues(task), titleId = task.id + '-title';
    const words = lead(bestText(task), varied.length ? ` Varied: ${varied.join(', ')}.` : '',
                       fixed.length ? ` Fixed: ${fixed.join(', ')}.` : '');
    return h(
        'section', {id: task.id, class: 'task', 'aria-labelledby': titleId},
        h('h2', {id: titleId}, task.name), words,
        panelsFigure(task), sureFigure(task), task.best && rankedTable(task), curvesFigure(task),
        cellFigure(task), importanceFigure(task), parallelFigure(task), predictionsSection(task)
    );
}

// ---- failures ----

function prunedText(cell) {
    const epochs = (curves.byCell.get(cell.cell) || []).map((run) => run.epochs * curves.stride);
    const dice = isNumber(cell.dice) ? ` at a dice loss of ${score(cell.dice)}` : '';
    return `stopped after ${counted(Math.max(0, ...epochs), 'epoch')}` + dice;
}

// What there is to say of a cell: that it was pruned, runs that failed, or that it failed whole.
function failuresOf(task, cell) {
    const noReason = cell.failure || 'no reason was recorded';
    const failed = cell.runs.filter((run) => run.state === 'FAIL');
    const list = failed.map(({run, failure, attempts}) => (
        {task, cell, what: 'failed', run, why: failure || noReason, attempts}));
    if (cell.state === 'PRUNED')
        list.unshift({task, cell, what: 'pruned', run: null, why: prunedText(cell)});
    if (cell.state === 'FAIL' && failed.length === 0)
        list.push({task, cell, what: 'failed', run: null, why: noReason});
    return list;
}

// Reasons that several runs share, the most frequent ones first.
function commonReasons(failures) {
    const reasons = new Map();
    for (const {why, what} of failures)
        reasons.set(why, (reasons.get(why) || 0) + (what === 'failed'));
    return [...reasons].filter(([, n]) => n > 1).sort((a, b) => b[1] - a[1]).slice(0, 5);
}

function failuresSection() {
    const bad = data.tasks.flatMap((task) => task.cells.flatMap((c) => failuresOf(task, c)));
    const head = 'Failures and pruned cells', common = commonReasons(bad);
    const some = data.page && lead(`Of ${counted(allStates.FAIL, 'failed cell')} and ` +
        `${groups(allStates.PRUNED)} pruned ones some are on this page.`);
    if (bad.length === 0 && allStates.FAIL + allStates.PRUNED === 0)
        return section('failures', head, lead('No run failed and no cell was pruned.'));
    const columns = [
        {label: 'cell', value: (row) => row.cell.cell, text: (row) => cellName(row.cell),
         csv: (row) => cellName(row.cell)},
        {label: 'task', value: (row) => row.task.name},
        {label: 'what', value: (row) => row.what},
        {label: 'run', number: true, value: (row) => row.run,
         text: (row) => (row.run === null ? 'all' : row.run + 1),
         csv: (row) => (row.run === null ? 'all' : row.run + 1)},
        {label: 'attempts', number: true, value: (row) => row.attempts,
         text: (row) => (isNumber(row.attempts) ? row.attempts : NONE)},
        {label: 'why', wide: true, value: (row) => row.why},
        {label: 'device', value: (row) => row.cell.device || null,
         text: (row) => row.cell.device || NONE},
    ];
    const reason = ([why, n]) => h('li', {}, `${counted(n, 'run')}: ${why}`);
    return section('failures', head, some, common.length > 0 && h('ul', {}, common.map(reason)),
                   table('Failed runs and pruned cells', columns, bad, 20));
}

// ---- devices ----

function devicesSection() {
    const head = 'What ran where, and how fast', number = true;
    if (data.devices.length === 0)
        return section('devices', head, lead('Nothing has run yet.'));
    const rounded = (value) => short(Number(value.toPrecision(3)));
    const perEpoch = (row) => row.seconds / row.epochs;
    const speed = (row) => (
        trainingSamples && row.seconds > 0 ? trainingSamples * row.epochs / row.seconds : null);
    const samples = trainingSamples
        ? `An epoch of a run is ${groups(trainingSamples)} training samples, as the partition ` +
          'has them, and a validation. '
        : 'The number of samples differs between cells, so no samples per second are given. ';
    const columns = [
        {label: 'device', value: (row) => row.device || NONE},
        {label: 'driver', value: (row) => row.driver || NONE},
        {label: 'task', value: (row) => row.task},
        {label: 'epochs of runs', number, value: (row) => row.epochs,
         text: (row) => groups(row.epochs)},
        {label: 'time', number, value: (row) => row.seconds, text: (row) => duration(row.seconds)},
        {label: 's per epoch', number, value: perEpoch, text: (row) => rounded(perEpoch(row))},
        {label: 'samples/s', number, value: speed,
         text: (row) => (speed(row) === null ? NONE : rounded(speed(row)))},
    ];
    const total = duration(sum(data.devices.map((row) => row.seconds)));
    const words = lead(samples, 'Runs that a device trains at once share its time; samples/s are ' +
        `those of all of them together. In all ${total} of device time.`);
    return section('devices', head, words, table('Devices', columns, data.devices, 40),
                   progressFigure());
}

// ---- method ----

const METHOD =
    'A cell is a point of the grid. It is trained in rounds, each with a fresh optimiser, from ' +
    'the best weights of the round before; its runs differ in their random numbers only. Dice ' +
    'loss is the mean over images and labels of 1 \u2212 (2\u03a3pt + 1) / (\u03a3p\u00b2 + ' +
    '\u03a3t\u00b2 + 1), p being the predicted probabilities and t the labels. A run\u2019s ' +
    'score is the lowest validation dice loss among epochs that improved the validation loss; a ' +
    'cell\u2019s is that of its best run or the mean of its runs, as \u201cranked by\u201d ' +
    'below says; of folds it is the mean over the folds. The validation images choose the cell: ' +
    'for a score that this choice does not flatter, test on others.';

// The grid as indented JSON, but lists of plain values on a line each.
function gridText() {
    const lines = JSON.stringify(study.grid || {}, null, 1);
    return lines.replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\s+/g, ' '));
}

// "anat_area: 3 of 20 samples"
function leftOutText() {
    const tasks = Object.entries(study.left_out || {});
    return tasks.map(([task, n]) => `${task}: ${n.count} of ${n.samples} samples`).join('; ');
}

// "2, kept and not ranked: grid00003, grid00007"
function outsideText() {
    const names = (data.outside || []).map((c) => `grid${String(c.cell).padStart(5, '0')}`);
    const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', ...' : '');
    return names.length ? `${names.length}, kept and not ranked: ${shown}` : null;
}

// "16 for training, 4 for validation"
function subjectsText() {
    const counts = ((study.grid || {}).static || {}).partition;
    if (!Array.isArray(counts))
        return null;
    const names = ['for training', 'for validation', 'kept for the test'];
    return counts.map((n, i) => `${n} ${names[i]}`).join(', ');
}

function methodSection() {
    const sameVersion = study.version === data.version;
    const rows = [
        ['vkgrid', sameVersion ? data.version : `${study.version}, report by ${data.version}`],
        ['sampler', settings.sampler],
        ['cells outside the grid', outsideText()],
        ['stopping',
         settings.prune === 'none' ? 'none: every cell is trained to its end' : settings.prune],
        ['ranked by', rankBy === 'mean' ? 'the mean of a cell\u2019s runs' : 'the best run'],
        ['weights kept', settings.keep],
        ['began', timeText(1000 * progress.started)],
        ['last change', timeText(1000 * progress.updated)],
        ['report made', timeText(toTime(data.made))],
        ['subjects', subjectsText()],
        ['left out, having no files', leftOutText()],
        ['data', data.datasets.filter(Boolean).join(', ') || null],
    ];
    const known = rows.filter(([, value]) => value && value !== NONE);
    const texts = known.map(([name, value]) => [name, String(value)]);
    const grid = h('pre', {tabindex: '0'}, gridText());
    return section('method', 'Method', h('p', {}, METHOD), facts('facts rows', texts),
                   h('details', {}, h('summary', {}, 'The grid'), grid));
}

// ---- the page ----

function start() {
    header();
    const next = nextSection();
    const links = [
        ['#tasks', 'Tasks'], ...data.tasks.map((task) => ['#' + task.id, task.name]),
        ...(next ? [['#next', 'What next']] : []), ['#failures', 'Failures'],
        ['#devices', 'Devices'], ['#method', 'Method'],
    ];
    byId('nav').append(...links.map(([href, name]) => h('a', {href}, name)));
    const tasks = data.tasks.length > 0 && [h('h2', {}, 'Tasks'), tasksTable()];
    fill(byId('main'), {}, [
        h('section', {id: 'tasks'}, tasks, overviewFigure()),
        data.tasks.map(taskSection), next, failuresSection(), devicesSection(), methodSection(),
    ]);
    byId('footer').append(`Made by vkgrid ${data.version}. This page needs nothing beside it.`);
    drawAll(true);
    watchSize();
    restoreAfterRefresh();
    refreshWhileRunning();
    document.documentElement.dataset.ready = 'true';
}
start();
