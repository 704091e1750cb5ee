// SPDX-License-Identifier: MIT
// The page of a search that is not finished is loaded again, and looks as it did before: what was
// open, chosen and sorted, and where the reader was. The browser's history entry keeps that, which
// pages of files have too.

const REFRESH_SECONDS = 60;

// An element by the nearest named one around it and its place among all of the kind there; null
// if that is none.
function keyOfElement(element, kind) {
    const around = element.parentElement.closest('[id]');
    return around && [around.id, kind, [...around.querySelectorAll(kind)].indexOf(element)];
}

function elementOf([id, kind, index]) {
    const around = byId(id);
    return around && around.querySelectorAll(kind)[index];
}

const keysOf = (kind, elements) => (
    elements.map((element) => keyOfElement(element, kind)).filter(Boolean));
const allOf = (selector) => [...document.querySelectorAll('main ' + selector)];

// What stands at the upper edge of the window, and how far above it that begins.
function placeOnPage() {
    const above = allOf('[id]').filter((e) => e.getBoundingClientRect().top <= 1);
    const last = above[above.length - 1];
    return last ? {id: last.id, offset: last.getBoundingClientRect().top} : {offset: scrollY};
}

function stateOfPage() {
    const sorted = allOf('th[aria-sort]').filter((e) => e.ariaSort !== 'none');
    return {
        open: keysOf('details', allOf('details[open]')),
        chosen: keysOf('input', allOf('input[type=radio]').filter((e) => e.checked)),
        selected: allOf('select').map((e) => [keyOfElement(e, 'select'), e.value]),
        sorted: sorted.map((e) => [keyOfElement(e, 'th'), e.ariaSort]),
        whole: keysOf('.more', allOf('.more:not(.csv)').filter((e) => e.hidden)),
        place: placeOnPage(),
    };
}

const changed = (element) => element.dispatchEvent(new Event('change', {bubbles: true}));

function choose(key) {
    const input = elementOf(key);
    if (!input || input.checked)
        return;
    input.checked = true;
    changed(input);
}

function select([key, value]) {
    const list = key && elementOf(key);
    if (!list || list.value === value || ![...list.options].some((o) => o.value === value))
        return;
    list.value = value;
    changed(list);
}

function sortAgain([key, order]) {
    const head = key && elementOf(key), button = head && head.querySelector('button');
    for (let i = 0; button && head.ariaSort !== order && i < 2; i++)
        button.click();
}

function scrollToPlace({id, offset}) {
    const element = id && byId(id);
    const top = element ? element.getBoundingClientRect().top + scrollY : 0;
    scrollTo({top: element ? top - offset : id ? 0 : offset, behavior: 'instant'});
}

function restorePage({open, chosen, selected, sorted, whole, place}) {
    for (const key of open) {
        const element = elementOf(key);
        if (element)
            element.open = true;
    }
    chosen.forEach(choose);
    selected.forEach(select);
    sorted.forEach(sortAgain);
    for (const key of whole) {
        const button = elementOf(key);
        if (button && !button.hidden)
            button.click();
    }
    // Figures that are drawn by what was chosen have their height in the next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => scrollToPlace(place)));
}

// What the page was before it was loaded again, once.
function restoreAfterRefresh() {
    const state = history.state && history.state.refreshed;
    if (!state)
        return;
    history.scrollRestoration = 'auto';
    history.replaceState(null, '');
    try {
        restorePage(state);
    } catch (error) { // of a report by another version
        console.info(error);
    }
}

function refreshWhileRunning() {
    const states = allStates;
    if (states.WAITING + states.RUNNING === 0)
        return;
    byId('footer').append(` Not finished: it is read again every ${REFRESH_SECONDS} seconds, for ` +
        'a newer one.');
    setInterval(() => {
        const busy = !tip.hidden || document.querySelector('dialog[open]') ||
            !getSelection().isCollapsed;
        if (document.hidden || busy)
            return;
        history.scrollRestoration = 'manual';
        history.replaceState({refreshed: stateOfPage()}, '');
        location.reload();
    }, 1000 * REFRESH_SECONDS);
}
