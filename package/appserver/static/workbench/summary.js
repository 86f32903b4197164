/**
 * How an incident stands, before its facts: the likely cause and how sure that is, and what was done
 * last about a fix. It is told from the timeline, so it is there as soon as the incident is.
 */

import { actionById, lacks } from './actions.js';
import { CONFIDENCE } from './analysis.js';
import { h } from './dom.js';
import { describe } from './entries.js';
import { isOpen, moment, now, plural } from './format.js';

// Of a fix whose entries are not read: how it is told, where it is no matter of the past.
const STATES = { proposed: 'Waits for approval', approved: 'Approved: waits to be carried out', running: 'It is being carried out', done: 'Fix carried out', rolling_back: 'It is being undone', rollback_failed: 'It could not be undone' };
const OF_A_FIX = ['plan', 'approval', 'action', 'rollback', 'verification'];

/**
 * @param {import('./detail.js').Detail} detail
 * @returns {Node|false} false where there is nothing to say
 */
export function summary(detail) {
    const rows = [cause(detail), fix(detail) ?? earlierFix(detail)].filter(Boolean);
    return rows.length > 0 && h('dl', { class: 'wb-standing' }, rows);
}

function row(name, what, more, button) {
    return h('div', {}, h('dt', {}, name), h('dd', {}, h('strong', {}, what), more && h('span', { class: 'wb-dim' }, ` · ${more}`)), h('dd', {}, button));
}

function link(place, label, act) {
    return h('button', { type: 'button', class: 'wb-quiet', 'data-place': place, on: { click: act } }, label);
}

function cause(detail) {
    const { incident, entries, earlier } = detail.seen;
    const analysed = entries.find((entry) => entry.kind === 'analysis');
    const see = (label) => link('see-analysis', label, () => detail.showTab('analysis'));
    if (typeof incident.cause === 'string' && incident.cause) {
        const confidence = analysed?.data.confidence;
        return row(confidence === 'low' ? 'Suspect, not proved' : 'Likely cause', incident.cause, CONFIDENCE[confidence], see('See the evidence'));
    }
    if (analysed) return row('Likely cause', 'None in this evidence', '', see('See what was looked for'));
    // Of a long timeline the newest entries are read: an analysis may be among the others.
    if (earlier > 0 || !isOpen(incident) || lacks(detail.app.me.capabilities, actionById('analyze').capability)) return null;
    if (detail.app.running(detail.id) !== undefined) return row('Likely cause', 'The analysis is running', '', see('See how far it is'));
    return row('Likely cause', 'Not looked for yet', '', link('ask-analysis', actionById('analyze').label, () => detail.app.perform(actionById('analyze'))));
}

/** The newest plan that is not given up, and the last that happened to it. */
function fix(detail) {
    const { entries } = detail.seen;
    const last = new Map();
    for (const entry of entries) {
        const { plan_id: plan, ends } = entry.data;
        if (plan && !last.has(plan) && (OF_A_FIX.includes(entry.kind) || ends)) last.set(plan, entry);
    }
    const [plan, newest] = [...last].find(([, entry]) => entry.kind !== 'refused' && entry.data.decision !== 'rejected') ?? [];
    if (!plan) return null;
    const proposed = entries.find((entry) => entry.kind === 'plan' && entry.data.plan_id === plan);
    return row('Fix', state(newest), proposed?.data.summary, toFixes(detail));
}

/** Of a long timeline the newest entries are read: those of a fix may be among the others. */
function earlierFix(detail) {
    const plan = detail.plans.find(({ status }) => STATES[status]);
    return plan ? row('Fix', STATES[plan.status], plan.summary, toFixes(detail)) : null;
}

function toFixes(detail) {
    return link('see-fixes', 'See the fix', () => detail.showTab('fixes'));
}

function state(entry) {
    const { left, expires_at: until } = entry.data;
    if (entry.kind === 'plan') return 'Waits for approval';
    if (entry.kind !== 'approval') return describe(entry).title;
    if (left) return `Waits for ${plural(left, 'more approval')}`;
    return until > now() ? `Approved until ${moment(until)}: waits to be carried out` : 'Its approval ran out';
}
