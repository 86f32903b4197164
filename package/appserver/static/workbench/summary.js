/**
 * The summary above an incident's facts: the likely cause with its confidence, and the state of the latest fix.
 * It is made from the timeline, so it needs no further request.
 */

import { actionById, lacks } from './actions.js';
import { CONFIDENCE } from './analysis.js';
import { h } from './dom.js';
import { describe } from './entries.js';
import { isOpen, moment, now, plural } from './format.js';

// The state of a current fix whose timeline entries were not read.
const STATES = { proposed: 'Waiting for approval', approved: 'Approved, waiting to be executed', running: 'Executing', done: 'Fix executed', rolling_back: 'Rolling back', rollback_failed: 'Rollback failed' };
const OF_A_FIX = ['plan', 'approval', 'action', 'rollback', 'verification'];

/**
 * @param {import('./detail.js').Detail} detail
 * @returns {Node|false} false if neither is known
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
        return row(confidence === 'low' ? 'Suspected cause' : 'Likely cause', incident.cause, CONFIDENCE[confidence], see('View evidence'));
    }
    if (analysed) return row('Likely cause', 'None found in the evidence', '', see('View analysis'));
    // Only the newest entries of a long timeline are read: the others may contain an analysis.
    if (earlier > 0 || !isOpen(incident) || lacks(detail.app.me.capabilities, actionById('analyze').capability)) return null;
    if (detail.app.running(detail.id) !== undefined) return row('Likely cause', 'Analysis running', '', see('View progress'));
    return row('Likely cause', 'Not analyzed yet', '', link('ask-analysis', actionById('analyze').label, () => detail.app.perform(actionById('analyze'))));
}

/** The newest plan that was neither refused nor rejected, with its last entry. */
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

/** The same from the plans, if the entries of the fix were not read. */
function earlierFix(detail) {
    const plan = detail.plans.find(({ status }) => STATES[status]);
    return plan ? row('Fix', STATES[plan.status], plan.summary, toFixes(detail)) : null;
}

function toFixes(detail) {
    return link('see-fixes', 'View fix', () => detail.showTab('fixes'));
}

function state(entry) {
    const { left, expires_at: until } = entry.data;
    if (entry.kind === 'plan') return 'Waiting for approval';
    if (entry.kind !== 'approval') return describe(entry).title;
    if (left) return `Waiting for ${plural(left, 'more approval')}`;
    return until > now() ? `Approved until ${moment(until)}, waiting to be executed` : 'Approval expired';
}
