/**
 * The timeline, newest first.
 */

import { get } from './api.js';
import { h } from './dom.js';
import { explained } from './forms.js';
import { tell } from './story.js';
import { many, moment } from './words.js';

const READ_AT_ONCE = 500;

/**
 * @param {import('./detail.js').Detail} detail
 * @returns {Node[]}
 */
export function timelinePart(detail) {
    const { entries, earlier } = detail.seen;
    const items = entries.map((entry) => {
        const told = tell(entry);
        return h('li', { class: `wb-entry wb-tone-${told.tone || 'none'}` },
            h('time', { datetime: new Date(entry.time * 1000).toISOString() }, moment(entry.time)),
            h('div', {},
                h('div', { class: 'wb-entry-title' }, told.title, h('span', { class: 'wb-dim' }, ` · ${entry.actor || 'unknown'}`)),
                told.text && h('div', { class: 'wb-entry-text' }, told.text)));
    });
    const more = earlier > 0 && h('button', { type: 'button', class: 'wb-button', 'data-place': 'earlier', on: { click: (event) => readEarlier(detail, event.currentTarget) } }, `Show ${many(Math.min(earlier, READ_AT_ONCE), 'earlier entry').replace('entrys', 'entries')}`);
    return [h('ol', { class: 'wb-timeline' }, items), more];
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
