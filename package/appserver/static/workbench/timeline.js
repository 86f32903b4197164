/**
 * The timeline, newest first. Runs of signal entries are folded, so that people's entries stay visible in a storm.
 */

import { lacks } from './actions.js';
import { get } from './api.js';
import { fill, h } from './dom.js';
import { describe } from './entries.js';
import { fullMoment, moment, plural } from './format.js';
import { explainError } from './forms.js';
import { resendButton } from './undelivered.js';

const READ_AT_ONCE = 500;
// Of a longer run of signal entries only the newest is shown; the others are folded away.
const MOST_IN_A_ROW = 3;

/**
 * @param {import('./detail.js').Detail} detail
 * @returns {Node[]}
 */
export function timelinePart(detail) {
    const { entries, earlier } = detail.seen;
    const undelivered = lacks(detail.app.me.capabilities, 'incident_admin') ? new Set() : notDelivered(entries);
    const one = (entry) => entryRow(entry, undelivered.has(entry) && again(detail, entry));
    const items = groupSignals(entries).map((row) => row.length > MOST_IN_A_ROW ? [one(row[0]), folded(row.slice(1))] : row.map(one));
    const ofToday = entries.every((entry) => !moment(entry.time).includes(',')); // no day before the time
    return [h('ol', { class: `wb-timeline${ofToday ? ' wb-today' : ''}` }, items), earlier > 0 && showsEarlier(detail)];
}

/** Group consecutive signal entries; each other entry is a group of its own. */
function groupSignals(entries) {
    const rows = [];
    for (const entry of entries) {
        const last = rows.at(-1);
        if (entry.kind === 'signal' && last?.[0].kind === 'signal') last.push(entry);
        else rows.push([entry]);
    }
    return rows;
}

/** The last entry of each message that was not delivered, or whose delivery is unconfirmed. */
function notDelivered(newestFirst) {
    const last = new Map();
    for (const entry of newestFirst) {
        const message = entry.kind === 'notification' && entry.data.notification_id;
        if (message && !last.has(message)) last.set(message, entry);
    }
    return new Set([...last.values()].filter((entry) => ['dead', 'unconfirmed'].includes(entry.data.outcome)));
}

function again(detail, entry) {
    const { notification_id: message, outcome } = entry.data;
    const sent = () => {
        detail.resent.add(entry._key);
        detail.app.showToast('Resending the message. The result appears on the timeline.');
    };
    return resendButton({ message, outcome, sent, place: `again-${entry._key}`, isSent: detail.resent.has(entry._key) }).element;
}

function entryRow(entry, below = null) {
    const { title, text, tone } = describe(entry);
    return h('li', { class: `wb-entry wb-tone-${tone || 'none'}` },
        h('time', { datetime: new Date(entry.time * 1000).toISOString(), title: fullMoment(entry.time) }, moment(entry.time)),
        h('div', {},
            h('div', { class: 'wb-entry-title' }, title, h('span', { class: 'wb-dim' }, ` · ${entry.actor || 'unknown'}`)),
            text && h('div', { class: 'wb-entry-text' }, text),
            below));
}

function folded(entries) {
    const summary = h('summary', { 'data-place': `signals-${entries.at(-1)._key}` }, `${entries.length} earlier signal entries`);
    return h('li', { class: 'wb-unfold' }, h('details', {}, summary, h('ol', {}, entries.map((entry) => entryRow(entry)))));
}

function showsEarlier(detail) {
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const label = `Show ${plural(Math.min(detail.seen.earlier, READ_AT_ONCE), 'earlier entry').replace('entrys', 'entries')}`;
    const read = (event) => readEarlier(detail, event.currentTarget, trouble);
    return [h('button', { type: 'button', class: 'wb-button', 'data-place': 'earlier', on: { click: read } }, label), trouble];
}

async function readEarlier(detail, button, trouble) {
    if (button.getAttribute('aria-disabled')) return;
    const { seen } = detail;
    const offset = Math.max(0, seen.earlier - READ_AT_ONCE);
    button.setAttribute('aria-disabled', 'true'); // a disabled button would lose the focus
    fill(trouble);
    try {
        const { body } = await get(`incidents/${seen.incident.id}/timeline`, { offset, limit: seen.earlier - offset });
        const entries = body.entries.filter((entry) => entry.counts !== false).reverse();
        if (detail.seen === seen) detail.update({ ...seen, entries: [...seen.entries, ...entries], earlier: offset });
    } catch (error) {
        fill(trouble, explainError(error, 'Try again.'));
    } finally {
        button.removeAttribute('aria-disabled');
    }
}
