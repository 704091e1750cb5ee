// SPDX-License-Identifier: MIT
// Opens reports in headless Chromium and looks at them as a reader would: browser_test.js FOLDER...
// where each FOLDER holds a report.html. Needs playwright-core (NODE_PATH) and Debian's chromium
// (or VKGRID_CHROMIUM).
// Screenshots go to $VKGRID_SCREENSHOTS/FOLDER's name.
'use strict';

const fs = require('fs');
const path = require('path');
const {pathToFileURL} = require('url');

const executablePath = process.env.VKGRID_CHROMIUM || '/usr/bin/chromium';
let chromium;
try {
    ({chromium} = require('playwright-core'));
} catch {
    console.log('skipped: no playwright-core (npm install playwright-core, and NODE_PATH)');
    process.exit(77);
}
if (!fs.existsSync(executablePath)) {
    console.log(`skipped: no ${executablePath}`);
    process.exit(77);
}

const screenshots = process.env.VKGRID_SCREENSHOTS;
let report, folder;
let failures = 0;

function check(good, what) {
    if (!good) {
        failures++;
        console.log(`FAILED: ${what}`);
    }
}

// What must hold of every report, in every appearance.
async function checkPage(page, name) {
    const state = await page.evaluate(() => ({
        ready: document.documentElement.dataset.ready,
        width: document.documentElement.scrollWidth,
        room: document.documentElement.clientWidth,
        hacked: window.hacked,
        images: document.querySelectorAll('img[onerror]').length,
        empty: [...document.querySelectorAll('figure .plot')].filter(
            (plot) => !plot.children.length
        ).length,
        wrong: [...document.querySelectorAll('svg *')].filter((e) =>
            [...e.attributes].some((a) => /NaN|undefined|Infinity/.test(a.value))
        ).length,
        words: /undefined|NaN|\[object/.test(document.querySelector('main').innerText),
    }));
    check(state.ready, `${name}: the page is made to its end`);
    check(state.width <= state.room, `${name}: ${state.width} pixels wide in ${state.room}`);
    check(
        state.hacked === undefined && state.images === 0,
        `${name}: texts of the database became markup`
    );
    check(state.empty === 0, `${name}: ${state.empty} figures are empty`);
    check(
        state.wrong === 0,
        `${name}: ${state.wrong} elements have a coordinate that is no number`
    );
    check(!state.words, `${name}: undefined or NaN in the text`);
}

// Every cell of every task is in a panel once, and tells its numbers to pointer and keys.
async function checkPanels(page, name) {
    const panels = await page.evaluate(() => data_of_test());
    for (const task of panels) {
        if (!task.axes) continue;
        check(
            task.drawn === task.cells,
            `${name}: ${task.drawn} of ${task.cells} cells of ${task.id} are drawn`
        );
        check(
            task.panels === task.expected,
            `${name}: ${task.panels} of ${task.expected} panels of ${task.id}`
        );
    }
    const cell = page.locator('.cell.complete').first();
    if ((await cell.count()) === 0) return;
    const number = await cell.getAttribute('data-cell');
    await cell.scrollIntoViewIfNeeded();
    await page.waitForTimeout(400);
    await cell.hover();
    const tip = page.locator('#tip');
    check(await tip.isVisible(), `${name}: hovering a cell shows nothing`);
    const words = await tip.innerText();
    check(
        words.includes(`grid${number.padStart(5, '0')}`) && /dice loss\s+0\.\d{4}/.test(words),
        `${name}: the tip of cell ${number} says: ${words}`
    );
    await page.mouse.move(0, 0);
    check(!(await tip.isVisible()), `${name}: the tip stays`);
    const svg = page.locator('svg[role=application]').first();
    await page.keyboard.press('Tab');
    await svg.focus();
    await page.waitForTimeout(500); // scrolling, which hides the tip
    await page.keyboard.press('ArrowRight');
    check(
        (await tip.isVisible()) && /grid\d{5}/.test(await tip.innerText()),
        `${name}: the arrow keys show nothing`
    );
    await page.keyboard.press('Escape');
    check(!(await tip.isVisible()), `${name}: Escape leaves the tip`);
}

// What the data says that there must be, beside what is there. Runs in the page.
function countPanels() {
    window.data_of_test = () =>
        JSON.parse(document.getElementById('data').textContent)
            .tasks.filter((m) => m.cells.length)
            .map((task, i) => {
                const values = {};
                for (const cell of task.cells)
                    for (const [name, value] of Object.entries(cell.options))
                        if (name !== 'inputs' && name !== 'prediction')
                            (values[name] = values[name] || new Set()).add(JSON.stringify(value));
                const open = Object.entries(values)
                    .filter(([, set]) => set.size > 1)
                    .map(([name, set]) => [name, set.size]);
                const figure = document.getElementById(`task${i}-panels`);
                const facets = open.filter(
                    ([name, size]) => !['lr', 'gamma'].includes(name) && size < 13
                );
                const named =
                    open.some(([name]) => name === 'lr') && open.some(([name]) => name === 'gamma');
                return {
                    id: `task${i}`,
                    axes: open.length,
                    cells: task.cells.length,
                    drawn: figure ? figure.querySelectorAll('[data-cell]').length : 0,
                    panels: figure ? figure.querySelectorAll('.panel').length : 0,
                    expected: named
                        ? facets.reduce((n, [, size]) => n * size, 1)
                        : figure
                          ? figure.querySelectorAll('.panel').length
                          : 0,
                };
            });
}

async function checkTable(page, name) {
    const section = page.locator('#task0-ranking');
    if ((await section.count()) === 0) return;
    const column = async () =>
        (await section.locator('tbody tr td:nth-child(3)').allInnerTexts()).map(Number);
    const before = await column();
    check(
        before.every((v, i) => i === 0 || v >= before[i - 1]),
        `${name}: the table is not in order`
    );
    const head = section.locator('thead th:nth-child(3)');
    await head.locator('button').click();
    await head.locator('button').click();
    check(
        (await head.getAttribute('aria-sort')) === 'descending',
        `${name}: a click on the head sorts`
    );
    const after = await column();
    check(
        after.every((v, i) => i === 0 || v <= after[i - 1]),
        `${name}: the table is not in descending order`
    );
    const more = section.locator('.more:not(.csv)');
    if (await more.isVisible()) {
        await more.click();
        check(
            (await section.locator('tbody tr').count()) > 20,
            `${name}: "show all" shows no more`
        );
    }
}

// The file of a table has a line for every row, and numbers that are not rounded.
async function checkDownload(page, name) {
    const section = page.locator('#task0-ranking');
    if ((await section.count()) === 0) return;
    const [file] = await Promise.all([
        page.waitForEvent('download', {timeout: 5000}),
        section.locator('.csv').click(),
    ]);
    const lines = fs.readFileSync(await file.path(), 'utf8').trim().split('\r\n');
    const cells = await page.evaluate(
        () =>
            JSON.parse(document.getElementById('data').textContent).tasks[0].cells.filter(
                (cell) => cell.state === 'COMPLETE'
            )
    );
    check(
        lines.length === cells.length + 1,
        `${name}: ${lines.length} lines of ${cells.length} cells`
    );
    const best = Math.min(...cells.map((cell) => cell.dice));
    check(lines[1].split(',')[2] === String(best), `${name}: the first line is ${lines[1]}`);
}

// The importance says what it found or why not; what next has lines to copy.
async function checkAdvice(page, name) {
    const figure = page.locator('#task0-importance');
    if ((await figure.count()) === 0) return;
    const words = await figure.innerText();
    check(/share of the variance|No shares: /.test(words), `${name}: importance says: ${words}`);
    const lines = await page.locator('#next code').allInnerTexts();
    const expected = {
        other: '"num_epochs": [5, 10, 20, 40]', // 20 is best, and the last
        'one run': '"until": 3', partial: 'vkgrid search grid.json -d data -o partial',
        paper: 'vkgrid search grid.json -d data -o paper --retry-failed',
    }[path.basename(path.dirname(report))];
    check(
        !expected || lines.includes(expected),
        `${name}: ${expected} is not among ${lines.join('; ')}`
    );
    for (const line of lines)
        check(
            /^(vkgrid (search|apply|evaluate) |"\w+": (\d+|\[.*\])$)/.test(line),
            `${name}: a line to copy is ${line}`
        );
    const copy = page.locator('#next .copy').first();
    if ((await copy.count()) > 0) {
        await copy.click();
        await page.waitForFunction(
            () => document.querySelector('#next .copy').textContent !== 'Copy'
        );
    }
}

// A picture of a prediction opens larger, grows and closes.
async function checkZoom(page, name) {
    const picture = page.locator('.stack').first();
    if ((await picture.count()) === 0) return;
    await picture.click();
    const large = page.locator('dialog .view > *');
    const before = (await large.boundingBox()).width;
    await page.locator('dialog button[aria-label=larger]').click();
    const after = (await large.boundingBox()).width;
    const words = `${name}: a picture grows from ${before} to ${after}`;
    check(Math.abs(after / before - 2) < 0.05, words);
    if (folder) await page.screenshot({path: path.join(folder, 'zoom.png')});
    await page.keyboard.press('Escape');
    check((await page.locator('dialog').count()) === 0, `${name}: the large picture stays`);
}

async function look(browser, name, options, work) {
    const context = await browser.newContext({
        viewport: {width: 1280, height: 900}, reducedMotion: 'reduce', ...options
    });
    const page = await context.newPage();
    page.on('console', (message) =>
        check(!['error', 'warning'].includes(message.type()), `${name}: console: ${message.text()}`)
    );
    page.on('pageerror', (error) => check(false, `${name}: ${error.stack}`));
    page.on('request', (request) =>
        check(/^(file|data):/.test(request.url()), `${name}: asks for ${request.url()}`)
    );
    if (name === 'refresh') await page.addInitScript(takeTimers);
    const begun = Date.now();
    await page.goto(pathToFileURL(path.resolve(report)).href);
    await page
        .waitForSelector('html[data-ready]', {timeout: 20000})
        .catch(() => check(false, `${name}: the page was not made`));
    console.log(`  ${name}: made in ${Date.now() - begun} ms`);
    await page.evaluate(countPanels);
    await checkPage(page, name);
    await work(page);
    await page.evaluate(() => document.activeElement.blur());
    if (folder) await page.screenshot({path: path.join(folder, `${name}.png`), fullPage: true});
    await context.close();
}

// The timers of the page, which are not waited for.
function takeTimers() {
    window.timers = [];
    window.setInterval = (work, milliseconds) => window.timers.push([work, milliseconds]);
}

// What was open, chosen, sorted and looked at stays when the page of a running search is loaded
// again; that of a finished one is not.
async function checkRefresh(page, name) {
    const text = await page.evaluate(() => document.getElementById('data').textContent);
    const running = /"state": "(WAITING|RUNNING)"/.test(text);
    const timers = await page.evaluate(() => window.timers.length);
    check(timers === Number(running), `${name}: ${timers} timers, running: ${running}`);
    if (!running || (await page.locator('#task0-curves input').count()) < 2) return;
    await page.locator('#method details summary').click();
    await page.locator('#task0-curves input').nth(1).check();
    await page.locator('#task0-ranking thead th:nth-child(4) button').click();
    await page.locator('#task0-curves').evaluate((e) => window.scrollTo({
        top: e.getBoundingClientRect().top + window.scrollY + 77, behavior: 'instant'
    }));
    const look = () => page.evaluate(() => ({
        open: document.querySelector('#method details').open,
        chosen: document.querySelectorAll('#task0-curves input')[1].checked,
        sorted: document.querySelector('#task0-ranking thead th:nth-child(4)').ariaSort,
        top: Math.round(document.querySelector('#task0-curves').getBoundingClientRect().top),
    }));
    const before = await look();
    check(before.open && before.chosen && before.top === -77, `${name}: ${JSON.stringify(before)}`);
    await Promise.all([
        page.waitForNavigation({timeout: 10000}), page.evaluate(() => window.timers[0][0]()),
    ]);
    await page.waitForSelector('html[data-ready]', {timeout: 20000});
    await page.waitForTimeout(300);
    const after = await look();
    check(
        JSON.stringify(after) === JSON.stringify(before),
        `${name}: ${JSON.stringify(before)} becomes ${JSON.stringify(after)}`
    );
    await page.evaluate(countPanels);
}

async function lookAtReport(browser, study) {
    report = path.join(study, 'report.html');
    folder = screenshots && path.join(screenshots, path.basename(study));
    if (folder) fs.mkdirSync(folder, {recursive: true});
    console.log(`${path.basename(study)}:`);
    await look(browser, 'light', {colorScheme: 'light'}, async (page) => {
        await checkPanels(page, 'light');
    });
    await look(browser, 'tables', {}, async (page) => {
        await checkTable(page, 'tables');
        await checkDownload(page, 'tables');
        await checkAdvice(page, 'tables');
        await checkZoom(page, 'tables');
    });
    await look(browser, 'refresh', {}, async (page) => checkRefresh(page, 'refresh'));
    await look(browser, 'dark', {colorScheme: 'dark'}, async (page) => {
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        check(paper !== 'rgb(255, 255, 255)', `dark: the paper is ${paper}`);
    });
    await look(
        browser,
        'phone',
        {viewport: {width: 360, height: 740}, deviceScaleFactor: 2, isMobile: true, hasTouch: true},
        async (page) => checkPage(page, 'phone')
    );
    await look(
        browser,
        'print',
        {colorScheme: 'dark', viewport: {width: 794, height: 1123}},
        async (page) => {
            await page.emulateMedia({media: 'print'});
            const paper = await page.evaluate(
                () => getComputedStyle(document.body).backgroundColor
            );
            check(paper === 'rgb(255, 255, 255)', `print: the paper is ${paper}`);
            if (folder)
                await page.pdf({
                    path: path.join(folder, 'print.pdf'),
                    format: 'A4',
                    margin: {top: '15mm', bottom: '15mm', left: '15mm', right: '15mm'},
                });
        }
    );
}

(async () => {
    const browser = await chromium.launch({
        executablePath,
        args: ['--no-sandbox', '--disable-gpu'],
    });
    try {
        for (const study of process.argv.slice(2)) await lookAtReport(browser, study);
    } finally {
        await browser.close();
    }
    console.log(failures ? `${failures} failed` : 'ok');
    process.exit(failures ? 1 : 0);
})();
