// SPDX-License-Identifier: MIT
// What next: what the scores suggest to try, each with a line of grid.json or a command to copy.

const quoted = (word) => (
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`);
const folderName = quoted(data.name);
const dataFolder = (() => {
    const path = ((study.grid || {}).static || {}).data_cache_path;
    return quoted(typeof path === 'string' ? path : 'data');
})();
const searchAgain = (more) => (
    `vkgrid search grid.json -d ${dataFolder} -o ${folderName}${more}`);

// ---- axes ----

// What a key allows: [lowest, highest, whole numbers only]; the lowest itself may be excluded.
const ALLOWED = {
    lr: [0, Infinity, false, true], gamma: [0, 1, false, true], bce_weight: [0, 1, false, false],
    batch_size: [1, 1024, true, false], num_epochs: [1, 1e4, true, false],
};

// The value that follows behind an end of an axis by the step of its last two; null if there is
// none that is allowed.
function valueBeyond(axis, atTop) {
    const list = atTop ? axis.values : [...axis.values].reverse(), last = list[list.length - 1];
    const before = list[list.length - 2], allowed = ALLOWED[axis.name];
    if (!allowed)
        return null;
    const [low, high, whole, open] = allowed;
    const byRatio = before > 0 && last > 0 && !['gamma', 'bce_weight'].includes(axis.name);
    let value = byRatio ? last * last / before : 2 * last - before;
    value = Number((whole ? Math.round(value) : value).toPrecision(3));
    value = clamp(value, low, high);
    return value === last || (open && value === low) ? null : value;
}

// Where the best cell has the first or the last value of an axis.
function edgeAdvice(task, {axis, share}) {
    const at = axis.numeric ? axis.of(task.best) : -1, last = axis.values.length - 1;
    if (!axis.numeric || axis.continuous || (at !== 0 && at !== last))
        return null;
    if (share !== null && !isShown(share))
        return null; // it hardly matters
    const beyond = valueBeyond(axis, at === last);
    if (beyond === null)
        return null;
    const values = at === last ? [...axis.values, beyond] : [beyond, ...axis.values];
    const where = at === last ? 'highest' : 'lowest';
    return {
        head: `The best ${axis.label} is the ${where} that was tried`,
        why: `${cellName(task.best)} has ${short(task.best.options[axis.name])}; what lies ` +
            'beyond is not known. In "hyper" of grid.json, for a search in another folder:',
        copy: `"${axis.name}": ${JSON.stringify(values).replace(/,/g, ', ')}`,
    };
}

// ---- epochs ----

// Epochs of a round of the cell's best run, or null where they are not known.
function epochsOfRound(cell) {
    const run = bestRun(cell);
    if (!run || curves.stride > 1)
        return null;
    const [first, next] = [run.rounds[cell.round], run.rounds[cell.round + 1]];
    return isNumber(first) ? (isNumber(next) ? next : run.epochs) - first : null;
}

// Whether the best epoch is the last of the last round.
function isBestAtEnd(cell) {
    const run = bestRun(cell), epochs = epochsOfRound(cell);
    return epochs !== null && cell.round === run.rounds.length - 1 && cell.epoch === epochs - 1;
}

function epochAdvice(task) {
    const leaders = task.ranked.slice(0, 10), late = leaders.filter(isBestAtEnd);
    if (!isBestAtEnd(task.best))
        return null;
    const epochs = epochsOfRound(task.best), others = late.length;
    const more = others > 1 ? `, as ${others} of the ${leaders.length} best were` : '';
    return {
        head: 'The best cell was still improving when it ended',
        why: `${cellName(task.best)} was best at its last epoch${more}: it may need more of ` +
            'them. In "static" of grid.json (or in its plan), for a search in another folder:',
        copy: `"num_epochs": ${2 * epochs}`,
    };
}

// ---- cells that cannot be told apart ----

function namesOf(cells) {
    const names = cells.slice(0, 4).map(cellName).join(', ');
    return cells.length > 4 ? `${names} and ${groups(cells.length - 4)} more` : names;
}

function runsAdvice(task) {
    const until = Math.max(1, ...task.ranked.map((cell) => cell.runs.length));
    const grid = 'In "static" of grid.json:';
    if (task.ranked.length < 2)
        return null;
    if (!task.ranked.some((cell) => cell.over))
        return {
            head: 'How much chance there is in a score is not known',
            why: 'Every cell has one run, so small differences may be chance. ' + grid,
            copy: `"until": ${Math.max(3, until + 1)}`,
        };
    const alike = task.ranked.filter((cell) => cell !== task.best && isAlike(task, cell));
    return alike.length === 0 ? null : {
        head: `${counted(alike.length, 'cell')} cannot be told from the best`,
        why: `${setText(task)} Beside ${cellName(task.best)} these are ${namesOf(alike)}. Take ` +
            'the one that is cheapest, or train more runs (those that are there stay). ' + grid,
        copy: `"until": ${2 * until}`,
    };
}

// ---- commands ----

function searchAdvice() {
    const states = allStates, list = [];
    if (states.WAITING + states.RUNNING > 0)
        list.push({
            head: `${counted(states.WAITING + states.RUNNING, 'cell')} not finished`,
            why: 'The same command goes on where the search was stopped:', copy: searchAgain(''),
        });
    if (states.FAIL > 0)
        list.push({
            head: `${counted(states.FAIL, 'cell')} failed`,
            why: 'The reasons stand below. To try them once more:',
            copy: searchAgain(' --retry-failed'),
        });
    return list;
}

// The weights of a cell as a word of a shell: one file, or those of all folds.
function weightsWord(cell) {
    const fold = /^(.*\.fold)\d+\.safetensors$/.exec(cell.weights);
    return fold ? `${quoted(`${data.name}/${fold[1]}`)}*.safetensors`
        : quoted(`${data.name}/${cell.weights}`);
}

const hasFolds = () => ((study.grid || {}).static || {}).folds > 0;

function useAdvice(task) {
    if (typeof task.best.weights !== 'string')
        return null;
    const weights = weightsWord(task.best);
    return {
        head: 'Use the best cell',
        why: 'Its predictions for other images; look at them before you trust the score:',
        copy: `vkgrid apply -w ${weights} -d DATA -o predictions`,
    };
}

// By images that did not choose it, where some are kept for that.
function evaluateAdvice(task) {
    const counts = ((study.grid || {}).static || {}).partition;
    if (typeof task.best.weights !== 'string')
        return null;
    const weights = weightsWord(task.best);
    const test = Array.isArray(counts) && counts.length > 2;
    if (hasFolds() && !test)
        return {
            head: 'Evaluate the best cell out of fold',
            why: 'Each subject by the network of the fold that has not seen it; as the best of ' +
                'many cells its numbers are a little too good:',
            copy: `vkgrid evaluate -w ${weights} -d ${dataFolder} --split folds`,
        };
    return {
        head: test ? 'Evaluate the best cell on the test' : 'Evaluate the best cell',
        why: test ? `${counted(counts[2], 'subject')} neither trained nor chose it:`
            : 'Dice, IoU and distances of outlines; the validation samples chose it, so its ' +
              'numbers are a little too good. A third list of the partition keeps some for a test:',
        copy: `vkgrid evaluate -w ${weights} -d ${dataFolder} ` +
            `--split ${test ? 'test' : 'validation'}`,
    };
}

// ---- the section ----

function copyLine(content) {
    const code = h('code', {tabindex: '0'}, content);
    const button = h('button', {type: 'button', class: 'copy', click: () => {
        const range = document.createRange();
        range.selectNodeContents(code);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        const copied = navigator.clipboard ? navigator.clipboard.writeText(content)
            : Promise.reject(new Error('no clipboard'));
        copied.then(() => 'Copied', () => 'Marked: copy it').then((words) => {
            button.textContent = words;
        });
    }}, 'Copy');
    return h('div', {class: 'line'}, code, button);
}

const adviceItem = ({head, why, copy}) => h(
    'li', {}, h('b', {}, head), '. ', why, copyLine(copy));

function nextSection() {
    const tasks = data.tasks.filter((task) => task.best);
    const ofTask = (task) => [
        ...task.effects.map((item) => edgeAdvice(task, item)), epochAdvice(task), runsAdvice(task),
        evaluateAdvice(task), useAdvice(task),
    ].filter(Boolean);
    const list = (items) => items.length > 0 && h('ul', {class: 'next'}, items.map(adviceItem));
    const parts = tasks.map((task) => [task, ofTask(task)]).filter(([, items]) => items.length > 0);
    const search = searchAdvice();
    if (parts.length === 0 && search.length === 0)
        return null;
    return section('next', 'What next', list(search), parts.map(([task, items]) => [
        tasks.length > 1 && h('h3', {}, task.name), list(items),
    ]));
}
