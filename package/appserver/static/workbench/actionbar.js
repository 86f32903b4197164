/**
 * The action buttons of an incident. Actions that the user's roles don't allow are left out; actions that the
 * incident's state blocks are dimmed and say why.
 */

import { ACTIONS, lacks, whyNot } from './actions.js';
import { h } from './dom.js';

const FIRST = ['acknowledge', 'assign', 'escalate', 'resolve', 'reopen'];
// Of each pair, only the usable action is shown.
const INSTEAD = { reopen: 'resolve', unpin: 'pin' };

/**
 * @param {import('./detail.js').Detail} detail
 * @returns {Node}
 */
export function actionBar(detail) {
    const { incident } = detail.seen;
    const { capabilities } = detail.app.me;
    const usable = (action) => !whyNot(action, incident, capabilities);
    const allowed = ACTIONS.filter((action) => action.offered?.() !== false && !lacks(capabilities, action.capability));
    if (!allowed.length) return h('p', { class: 'wb-actions wb-dim' }, `${lacks(capabilities, 'incident_write')} To work on incidents, ask an administrator for the role incident_responder.`);
    const shown = allowed.filter((action) => {
        const other = INSTEAD[action.id] ?? Object.keys(INSTEAD).find((id) => INSTEAD[id] === action.id);
        if (!other) return true;
        const twin = ACTIONS.find((one) => one.id === other);
        return usable(action) || (!usable(twin) && !(action.id in INSTEAD));
    });
    const button = (action, extra) => actionButton(detail, action, whyNot(action, incident, capabilities), extra);
    const isFirst = (action) => FIRST.includes(action.id) || (action.id === 'update' && incident.update_due && usable(action));
    const first = shown.filter(isFirst);
    const rest = shown.filter((action) => !isFirst(action));
    const primary = ['acknowledge', 'resolve', 'reopen'].find((id) => first.some((action) => action.id === id && usable(action)));
    // Blocked actions come last, so that usable ones are near the button.
    const last = (action) => Number(!usable(action));
    const more = moreMenu(rest.sort((a, b) => last(a) - last(b)).map((action) => button(action, 'wb-menu-item')));
    return h('div', { class: 'wb-actions' }, first.map((action) => button(action, action.id === primary ? 'wb-primary' : '')), more);
}

/**
 * A menu of buttons that unfolds.
 * @param {Node[]} items
 * @param {string} [extra] class
 */
export function moreMenu(items, extra = '') {
    const menu = h('div', { class: 'wb-menu', role: 'group', 'aria-label': 'More' }, items);
    return h('details', { class: 'wb-more-menu', on: { toggle: () => keepInWindow(menu) } },
        h('summary', { class: `wb-button ${extra}`, 'data-place': 'more' }, 'More'), menu);
}

/** Open a menu to the left if it would leave the window on the right. */
function keepInWindow(menu) {
    menu.classList.remove('wb-to-left');
    menu.classList.toggle('wb-to-left', menu.getBoundingClientRect().right > document.documentElement.clientWidth);
}

/**
 * A button for an action.
 * @param {import('./detail.js').Detail} detail
 * @param {import('./actions.js').Action} action
 * @param {string} why the reason that it is blocked now; empty if it is not
 * @param {string} [extra] class
 */
export function actionButton(detail, action, why, extra = '') {
    const act = (event) => {
        event.currentTarget.closest('details')?.removeAttribute('open');
        if (why) detail.app.showToast(`${action.label}: ${why}`);
        else detail.app.perform(action);
    };
    return h('button', {
        type: 'button', class: `wb-button ${extra}`, 'data-place': `move-${action.id}`, 'data-move': action.id,
        'aria-disabled': why ? 'true' : null, title: why || (action.key ? `Key: ${action.key}` : null), on: { click: act },
    }, action.label, action.danger && !why ? ' …' : '', why && h('small', { class: 'wb-why' }, why));
}

/**
 * Close an open menu on Escape or on a click outside it. The open menus are looked up in the page, because the event
 * `toggle` can come later than a quick Escape, which would then leave the incident instead.
 */
export function watchMenus() {
    const openOnes = () => [...document.querySelectorAll('details.wb-more-menu[open]')];
    document.addEventListener('click', (event) => {
        openOnes().filter((menu) => !menu.contains(event.target)).forEach((menu) => menu.removeAttribute('open'));
    });
    document.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' || document.querySelector('dialog[open]')) return;
        const menus = openOnes();
        if (!menus.length) return;
        event.stopPropagation();
        menus.forEach((menu) => menu.removeAttribute('open'));
        menus[0].querySelector('summary').focus();
    }, true);
}
