/**
 * The timeline, newest first. In a storm what people decided is not lost among the signals.
 */

import { get } from './api.js';
import { h } from './dom.js';
import { explained } from './forms.js';
import { tell } from './story.js';
import { many, moment } from './words.js';

const READ_AT_ONCE = 500;
// Of more than so many entries of signals in a row, the newest is shown and the others are unfolded.
const MOST_IN_A_ROW = 3;

/**
 * @param {import('./detail.js').Detail} detail
 * @returns {Node[]}
 */
export function timelinePart(detail) {
    const { entries, earlier } = detail.seen;
    const items = inRows(entries).map((row) => row.length > MOST_IN_A_ROW ? [told(row[0]), folded(row.slice(1))] : row.map(told));
    const more = earlier > 0 && h('button', { type: 'button', class: 'wb-button', 'data-place': 'earlier', on: { click: (event) => readEarlier(detail, event.currentTarget) } }, `Show ${many(Math.min(earlier, READ_AT_ONCE), 'earlier entry').replace('entrys', 'entries')}`);
    return [h('ol', { class: 'wb-timeline' }, items), more];
}

/** Entries of signals that follow each other together, each other one alone. */
function inRows(entries) {
    const rows = [];
    for (const entry of entries) {
        const last = rows.at(-1);
        if (entry.kind === 'signal' && last?.[0].kind === 'signal') last.push(entry);
        else rows.push([entry]);
    }
    return rows;
}

function told(entry) {
    const { title, text, tone } = tell(entry);
    return h('li', { class: `wb-entry wb-tone-${tone || 'none'}` },
        h('time', { datetime: new Date(entry.time * 1000).toISOString() }, moment(entry.time)),
        h('div', {},
            h('div', { class: 'wb-entry-title' }, title, h('span', { class: 'wb-dim' }, ` · ${entry.actor || 'unknown'}`)),
            text && h('div', { class: 'wb-entry-text' }, text)));
}

function folded(entries) {
    const summary = h('summary', { 'data-place': `signals-${entries.at(-1)._key}` }, `${entries.length} earlier entries of more signals`);
    return h('li', { class: 'wb-unfold' }, h('details', {}, summary, h('ol', {}, entries.map(told))));
}

async function readEarlier(detail, button) {
    const { seen } = detail;
    const offset = Math.max(0, seen.earlier - READ_AT_ONCE);
    button.disabled = true;
    try {
        const { body } = await get(`incidents/${seen.incident.id}/timeline`, { offset, limit: seen.earlier - offset });
        const entries = body.entries.filter((entry) => entry.counts !== false).reverse();
        if (detail.seen === seen) detail.take({ ...seen, entries: [...seen.entries, ...entries], earlier: offset });
    } catch (error) {
        button.replaceWith(...explained(error));
    }
}
