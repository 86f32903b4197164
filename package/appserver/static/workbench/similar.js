/**
 * Similar incidents: open ones, which may have the same cause, and earlier ones with their resolution.
 */

import { h } from './dom.js';
import { FEEDBACK, moment, span, stateName } from './format.js';

/**
 * @param {import('./detail.js').Detail} detail
 * @param {{open: Object<string, any>[], earlier: Object<string, any>[]}} found as `GET /incidents/{id}/similar` has it
 * @returns {Node[]}
 */
export function similarPart(detail, found) {
    return [
        h('h2', {}, 'Earlier incidents'),
        found.earlier.length
            ? h('ul', { class: 'wb-similar' }, found.earlier.map((one) => row(detail, one)))
            : h('p', { class: 'wb-dim' }, 'No similar incident has been resolved yet. Incidents are compared by problem, detections, affected systems and the words of their events.'),
        found.open.length > 0 && [
            h('h2', {}, 'Open now'),
            h('p', { class: 'wb-dim' }, 'These may have the same cause. Compare them, and merge those that belong together (More › Merge).'),
            h('ul', { class: 'wb-similar' }, found.open.map((one) => row(detail, one))),
        ],
    ];
}

function row(detail, one) {
    const took = one.resolved_at && one.opened_at ? `took ${span(one.resolved_at - one.opened_at)}` : '';
    const held = one.owner || one.team;
    return h('li', { class: 'wb-cause' },
        h('div', { class: 'wb-row' },
            h('span', { class: `wb-severity wb-${one.severity}` }, one.severity),
            h('a', { class: 'wb-entry-title', href: detail.app.addressOf(one.id), 'data-place': `similar-${one.id}` }, one.title)),
        h('div', { class: 'wb-dim' }, [one.id, stateName(one.status), moment(one.opened_at), took, held && `by ${held}`].filter(Boolean).join(' · ')),
        fact('Resolution', [one.category, one.resolution].filter(Boolean).join(': ')),
        one.fixes.map((fix) => fact('Successful fix', fix)),
        fact('Cause', one.cause),
        one.feedback && fact('Verdict', FEEDBACK[one.feedback] ?? one.feedback),
        h('div', { class: 'wb-dim' }, one.why.join(' ')));
}

const fact = (name, text) => text && h('p', {}, h('span', { class: 'wb-dim' }, `${name}: `), text);
