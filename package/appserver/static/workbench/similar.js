/**
 * Incidents like this one: those that are open, perhaps of the same fault, and earlier ones with what
 * solved them.
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
        h('h2', {}, 'Earlier, and how it ended'),
        found.earlier.length
            ? h('ul', { class: 'wb-similar' }, found.earlier.map((one) => row(detail, one)))
            : h('p', { class: 'wb-dim' }, 'No incident like this one has ended yet. They are told by the same problem, detections, affected systems and words of the events.'),
        found.open.length > 0 && [
            h('h2', {}, 'Open now'),
            h('p', { class: 'wb-dim' }, 'Perhaps the same fault: compare them, and merge what belongs together (More › Merge).'),
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
        said('Resolution', [one.category, one.resolution].filter(Boolean).join(': ')),
        one.fixes.map((fix) => said('A fix helped', fix)),
        said('Cause', one.cause),
        one.feedback && said('Judged', FEEDBACK[one.feedback] ?? one.feedback),
        h('div', { class: 'wb-dim' }, one.why.join(' ')));
}

const said = (name, text) => text && h('p', {}, h('span', { class: 'wb-dim' }, `${name}: `), text);
