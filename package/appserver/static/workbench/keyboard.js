/**
 * Keyboard shortcuts. Single letters can be switched off, for people who use speech input.
 */

import { ACTIONS, lacks } from './actions.js';
import { TABS } from './detail.js';
import { h } from './dom.js';
import { openNewIncidentForm } from './newincident.js';
import { readStored, writeStored } from './storage.js';

const STORED = 'incident_management.keys';

const KEYS = [
    ['j or ↓', 'next incident'], ['k or ↑', 'previous incident'], ['Enter', 'open'],
    ['x', 'select; with Shift, a range'], ['Escape', 'back to the list'], ['/', 'search'], ['n', 'write a note'], ['t', 'tasks: Space ticks, ↓ and ↑ move'], ['c', 'new incident'],
    ...ACTIONS.filter((action) => action.key).map((action) => [action.key, action.label.toLowerCase()]),
    [`1 to ${TABS.length}`, TABS.map(([, label]) => label.toLowerCase()).join(', ')], ['f', 'follow-ups'], ['m', 'my tasks'], ['h', 'suppressions'], ['d', 'who is on call'], ['Ctrl+Enter', 'send the form or note'], ['?', 'this help'],
];

/**
 * Listen for the shortcuts.
 * @param {import('./main.js').Workbench} app
 */
export function listen(app) {
    document.addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
        if (document.querySelector('dialog[open]')) return;
        const { target } = event;
        // A focus in a dialog that is just closing is no typing.
        const writing = !target.closest?.('dialog') && target.matches?.('textarea, select, input:not([type=checkbox]), [contenteditable]');
        if (event.key === 'Escape') {
            // Chromium would clear the search field without an event, and the list would stay filtered.
            if (target.type === 'search') event.preventDefault();
            if (writing) target.blur();
            else app.backToList();
            return;
        }
        if (writing || (event.key.length === 1 && !areOn())) return;
        if (act(app, event)) event.preventDefault();
    });
}

function act(app, event) {
    const { key } = event;
    const inList = app.list.items.contains(event.target);
    if (key === 'j' || (key === 'ArrowDown' && inList)) return done(app.list.step(1));
    if (key === 'k' || (key === 'ArrowUp' && inList)) return done(app.list.step(-1));
    if (key === 'x' || key === 'X') return done(app.mayWrite ? app.list.toggle(app.list.current(), event.shiftKey) : sayWhyNot(app));
    if (key === '/') return done(app.filters.focus());
    if (key === '?') return done(showKeys());
    if (key === 'f') return done(app.followUps.show());
    if (key === 'm') return done(app.myTasks.show());
    if (key === 'h') return done(app.showSuppressions());
    if (key === 'd') return done(app.onCall.show());
    if (key === 'c') return done(app.mayWrite ? openNewIncidentForm(app) : sayWhyNot(app));
    if (!app.detail.seen) return false;
    if (key === 'n') return done(app.detail.showTab('timeline'), app.mayWrite ? app.detail.composer.focus() : sayWhyNot(app));
    if (key === 't') return done(app.detail.tasks.enter());
    const tab = TABS[Number(key) - 1];
    if (tab) return done(app.detail.showTab(tab[0]));
    const action = ACTIONS.find((one) => one.key === key);
    return action ? done(app.perform(action)) : false;
}

const done = () => true;
const sayWhyNot = (app) => app.showToast(lacks(app.me.capabilities, 'incident_write'));
const areOn = () => readStored('localStorage', STORED) !== 'off';

/** Show the shortcuts in a dialog. */
export function showKeys() {
    const box = h('input', { type: 'checkbox', on: { change: (event) => writeStored('localStorage', STORED, event.currentTarget.checked ? 'on' : 'off') } });
    box.checked = areOn();
    const dialog = h('dialog', { class: 'wb-dialog', 'aria-label': 'Keyboard shortcuts', on: { close: () => dialog.remove() } },
        h('h2', {}, 'Keyboard shortcuts'),
        h('dl', { class: 'wb-keys' }, KEYS.map(([key, what]) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, what)))),
        h('label', { class: 'wb-row' }, box, 'Enable single-letter shortcuts'),
        h('div', { class: 'wb-row wb-end' }, h('button', { type: 'button', class: 'wb-button', on: { click: () => dialog.close() } }, 'Close')));
    document.querySelector('.workbench').append(dialog);
    dialog.showModal();
}
