/**
 * The buttons of an incident. What somebody's roles never allow is not offered; what can't be done now
 * stays there and says why.
 */

import { ACTIONS, lacks, whyNot } from './actions.js';
import { h } from './dom.js';

const FIRST = ['acknowledge', 'assign', 'escalate', 'resolve', 'reopen'];
// Of each pair, the one that can be used is shown.
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
    if (!allowed.length) return h('p', { class: 'wb-actions wb-dim' }, `${lacks(capabilities, 'incident_write')} To act on it, ask for the role incident_responder.`);
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
    // What can't be done now stands last, so that what can is near the button.
    const last = (action) => Number(!usable(action));
    const more = moreMenu(rest.sort((a, b) => last(a) - last(b)).map((action) => button(action, 'wb-menu-item')));
    return h('div', { class: 'wb-actions' }, first.map((action) => button(action, action.id === primary ? 'wb-primary' : '')), more);
}

/**
 * Buttons behind a button.
 * @param {Node[]} items
 * @param {string} [extra] class
 */
export function moreMenu(items, extra = '') {
    return h('details', { class: 'wb-more-menu' },
        h('summary', { class: `wb-button ${extra}`, 'data-place': 'more' }, 'More'),
        h('div', { class: 'wb-menu', role: 'group', 'aria-label': 'More' }, items));
}

/**
 * A button for an action.
 * @param {import('./detail.js').Detail} detail
 * @param {import('./actions.js').Action} action
 * @param {string} why it can't be used now; empty when it can
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
 * Close an open menu when Escape is pressed or something beside it is clicked. It asks the page which menu is
 * open: the event `toggle` comes later than the key of somebody fast, which would leave the incident instead.
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
