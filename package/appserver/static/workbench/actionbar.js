/**
 * The buttons of an incident. What somebody's roles never allow is not offered; what can't be done now
 * stays there and says why.
 */

import { h } from './dom.js';
import { lacks, MOVES, whyNot } from './moves.js';

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
    const usable = (move) => !whyNot(move, incident, capabilities);
    const allowed = MOVES.filter((move) => move.offered?.() !== false && !lacks(capabilities, move.capability));
    if (!allowed.length) return h('p', { class: 'wb-actions wb-dim' }, `${lacks(capabilities, 'incident_write')} To act on it, ask for the role incident_responder.`);
    const shown = allowed.filter((move) => {
        const other = INSTEAD[move.id] ?? Object.keys(INSTEAD).find((id) => INSTEAD[id] === move.id);
        if (!other) return true;
        const twin = MOVES.find((one) => one.id === other);
        return usable(move) || (!usable(twin) && !(move.id in INSTEAD));
    });
    const button = (move, extra) => actionButton(detail, move, whyNot(move, incident, capabilities), extra);
    const isFirst = (move) => FIRST.includes(move.id) || (move.id === 'update' && incident.update_due && usable(move));
    const first = shown.filter(isFirst);
    const rest = shown.filter((move) => !isFirst(move));
    const primary = ['acknowledge', 'resolve', 'reopen'].find((id) => first.some((move) => move.id === id && usable(move)));
    // What can't be done now stands last, so that what can is near the button.
    const last = (move) => Number(!usable(move));
    const more = moreMenu(rest.sort((a, b) => last(a) - last(b)).map((move) => button(move, 'wb-menu-item')));
    return h('div', { class: 'wb-actions' }, first.map((move) => button(move, move.id === primary ? 'wb-primary' : '')), more);
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
 * A button for a move.
 * @param {import('./detail.js').Detail} detail
 * @param {import('./moves.js').Move} move
 * @param {string} why it can't be used now; empty when it can
 * @param {string} [extra] class
 */
export function actionButton(detail, move, why, extra = '') {
    const act = (event) => {
        event.currentTarget.closest('details')?.removeAttribute('open');
        if (why) detail.app.say(`${move.label}: ${why}`);
        else detail.app.make(move);
    };
    return h('button', {
        type: 'button', class: `wb-button ${extra}`, 'data-place': `move-${move.id}`, 'data-move': move.id,
        'aria-disabled': why ? 'true' : null, title: why || (move.key ? `Key: ${move.key}` : null), on: { click: act },
    }, move.label, move.danger && !why ? ' …' : '', why && h('small', { class: 'wb-why' }, why));
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
