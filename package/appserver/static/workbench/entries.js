/**
 * Timeline entries as text for people. The kinds are those of docs/DATA.md.
 */

import { abbreviate, capital, FEEDBACK, moment, plural, shortMoment, stateName } from './format.js';

/**
 * @typedef {{_key: string, kind: string, time: number, actor: string, data: Object<string, any>, counts?: boolean}} Entry
 * @typedef {{title: string, text: string, tone: ''|'person'|'good'|'bad'}} Description
 */

const sentence = (...parts) => parts.filter(Boolean).join(' ');
const count = (value) => Object.keys(value ?? {}).length;

/** @type {Object<string, function(Object<string, any>): [string, string, string?]>} */
const KINDS = {
    opened: (d) => ['Opened', sentence(d.description || d.title, d.reason, found(d.fields))],
    signal: (d) => [`${plural(count(d.signals), 'more signal')}`, sentence(`${d.rule ?? ''} on ${abbreviate(d.entities, 4)}.`, d.reason, found(d.fields))],
    routed: (d) => [`Routed to ${d.owner || d.team || 'nobody'}`, d.reason],
    note: (d) => ['Note', d.text],
    update: (d) => [`Stakeholder update${d.state ? `: ${d.state}` : ''}`, sentence(d.text, d.next_by && `(Next update by ${shortMoment(d.next_by)}.)`)],
    update_due: (d) => d.event === 'missed' ? ['Stakeholder update overdue', d.reason, 'bad'] : ['Next stakeholder update set', d.reason],
    ticket: (d) => [ticketTitle(d), d.text],
    edited: (d) => [`Edited ${Object.keys(d).join(', ')}`, d.title ?? ''],
    fields: (d) => ['Fields set', d.text],
    assigned: (d) => [`Assigned to ${[d.owner, d.team && `team ${d.team}`].filter(Boolean).join(', ')}`, d.reason],
    unassigned: (d) => ['No owner available', d.reason],
    sla: serviceLevel,
    status: status,
    severity: (d) => [`Severity changed from ${d.from} to ${d.to}`, d.reason],
    escalation: (d) => [`Escalated to level ${d.level}`, sentence(d.owner || d.team ? `To ${d.owner || d.team}.` : '', d.reason), 'bad'],
    pinned: (d) => [d.pinned ? 'Pinned: not resolved automatically' : 'Unpinned', d.reason],
    merged: (d) => [`Merged into ${d.into}`, d.reason],
    joined: (d) => [`Merged in ${d.from}`, sentence(d.title, d.reason, d.tasks && `${plural(d.tasks.length, 'task')} moved here.`)],
    split: (d) => [`Split: signals moved to ${d.to}`, d.reason],
    unmerged: (d) => [`Merge into ${d.from} undone`, d.reason],
    flapping: (d) => [{ began: 'Flapping: kept open', held: 'Kept open', ended: 'No longer flapping' }[d.state] ?? 'Flapping', d.reason],
    analysis: (d) => [`Analysis: ${{ low: 'suspected cause' }[d.confidence] ?? (d.cause ? 'cause found' : 'no cause found')}`, d.verdict],
    notification: (d) => d.follow_up ? ticketDelivery(d) : [`${name(d.channel)}${d.stakeholders ? ` (${d.stakeholders})` : ''} ${{ sent: 'notified', dead: 'delivery failed', unconfirmed: 'delivery unconfirmed' }[d.outcome] ?? d.outcome}`, d.detail, d.outcome === 'dead' ? 'bad' : ''],
    plan: (d) => ['Fix proposed', d.summary],
    refused: (d) => ['Fix refused', d.reason, 'bad'],
    approval: (d) => [d.decision === 'approved' ? (d.left ? 'Fix approved, more approvals needed' : 'Fix approved') : 'Fix rejected', d.expires_at && d.decision === 'approved' ? `${d.override ? `Overrides ${d.override.freezes.join(', ')}: ${d.override.reason} ` : ''}Valid until ${moment(d.expires_at)}.` : d.reason],
    action: (d) => [{ started: 'Fix started', done: 'Fix executed' }[d.phase] ?? 'Fix failed', d.detail, d.phase === 'failed' ? 'bad' : ''],
    room: (d) => [{ wanted: 'Slack channel requested', opened: `Slack channel #${d.name} opened`, archived: 'Slack channel archived', gone: 'Slack channel deleted', held: 'Slack channel not opened' }[d.event] ?? 'Slack channel could not be opened', d.reason, d.event === 'failed' ? 'bad' : ''],
    review: (d) => [{ done: 'Review done', not_needed: 'No review needed', open: 'Review reopened' }[d.state] ?? 'Review written', sentence(d.reason, ...['summary', 'impact', 'causes', 'went_well', 'went_badly', 'lessons'].map((name) => d[name]))],
    follow_up: (d) => d.event === 'ticket' ? [`Ticket in ${name(d.channel)} requested for ${d.follow_up}`, d.title] : [d.event === 'overdue' ? 'Follow-up overdue' : `Follow-up ${d.event === 'changed' && d.state ? { open: 'reopened' }[d.state] ?? d.state : d.event}`, [d.title, d.owner && `owner ${d.owner}`, d.due && `due ${shortMoment(d.due)}`, d.reason].filter(Boolean).join(' · '), d.event === 'overdue' ? 'bad' : ''],
    task: (d) => [taskTitle(d), [d.title, d.was && `was: ${d.was}`, d.event === 'added' && d.owner, d.reason].filter(Boolean).join(' · ')],
    role: (d) => [d.person ? `Role ${d.role} assigned to ${d.person}` : `Role ${d.role} unassigned`, d.instead_of && `Was: ${d.instead_of}.`],
    rollback: (d) => [{ started: 'Rollback started', done: 'Fix rolled back' }[d.phase] ?? 'Rollback failed', d.detail, d.phase === 'failed' ? 'bad' : ''],
    verification: (d) => [{ recovered: 'Recovery verified', not_recovered: 'The fix did not help' }[d.outcome] ?? 'Recovery not verified: not enough data', d.detail, { recovered: 'good', not_recovered: 'bad' }[d.outcome] ?? ''],
};

// Entries that can change what somebody is about to do. Signals and messages come all the time and don't.
const DECISIONS = new Set([
    'note', 'update', 'edited', 'fields', 'assigned', 'unassigned', 'status', 'severity', 'escalation', 'pinned',
    'merged', 'joined', 'split', 'unmerged', 'approval', 'review', 'follow_up',
]);

/**
 * Return what an entry says.
 * @param {Entry} entry
 * @returns {Description}
 */
export function describe(entry) {
    const [title, text, tone] = KINDS[entry.kind]?.(entry.data ?? {}) ?? [name(entry.kind), ''];
    return { title, text: text ?? '', tone: tone || (isPerson(entry.actor) ? 'person' : '') };
}

/**
 * Whether somebody who is changing the incident should see this entry first.
 * @param {Entry} entry
 */
export const isDecision = (entry) => DECISIONS.has(entry.kind) && entry.data?.event !== 'overdue';

function isPerson(actor) {
    return Boolean(actor) && actor !== 'system' && actor !== 'splunk-system-user';
}

/** The values of custom fields that a finding brought. */
function found(fields) {
    return fields && `Fields: ${Object.entries(fields).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`).join('; ')}.`;
}

function status(d) {
    const { from, to } = d;
    if (to === 'resolved') {
        const judged = FEEDBACK[d.feedback] ? `${FEEDBACK[d.feedback]}.` : '';
        const left = d.tasks_left?.length > 0 && `${plural(d.tasks_left.length, 'task')} open: ${abbreviate(d.tasks_left, 5)}.`;
        return ['Resolved', sentence(d.category && `${d.category}.`, d.resolution, d.reason, judged, left), 'good'];
    }
    if (to === 'closed') return ['Closed', sentence(d.resolution, d.reason)];
    if (from === 'resolved' || from === 'closed') return ['Reopened', d.reason, 'bad'];
    if (to === 'in_progress') return ['Acknowledged', d.reason === 'acknowledged' ? '' : d.reason];
    return [`${stateName(from)} to ${stateName(to)}`, d.reason];
}

function taskTitle(d) {
    if (d.event === 'added') return 'Task added';
    const state = { open: 'reopened' }[d.state] ?? d.state;
    const handed = 'owner' in d && (d.owner ? `assigned to ${d.owner}` : 'unassigned');
    return `Task ${[d.was && 'renamed', state || handed].filter(Boolean).join(', ')}`;
}

function ticketTitle(d) {
    const did = { state: 'status changed', assignee: 'reassigned', gone: 'deleted', full: 'has more comments' }[d.event];
    return did ? `Ticket ${d.number} ${did}` : sentence(`Ticket ${d.number}:`, d.what || 'comment', d.by && `by ${d.by}`);
}

function ticketDelivery(d) {
    const where = `${name(d.channel)}, ${d.follow_up}`;
    if (d.outcome !== 'sent') return [`Follow-up ticket: ${d.outcome === 'dead' ? 'delivery failed' : 'delivery unconfirmed'}`, sentence(`${where}.`, d.detail), d.outcome === 'dead' ? 'bad' : ''];
    return d.ticket ? [`Follow-up ticket ${d.ticket.number}`, `${where}.`] : ['Follow-up without a ticket', `${where}: there is no ticket to update.`];
}

function serviceLevel(d) {
    if (d.event === 'timed') {
        const dues = [d.acknowledge_due && `acknowledge by ${moment(d.acknowledge_due)}`, d.resolve_due && `resolve by ${moment(d.resolve_due)}`];
        return ['Deadlines set', dues.filter(Boolean).join(', ')];
    }
    const what = d.clock === 'acknowledge' ? 'acknowledge' : 'resolve';
    const late = d.event === 'breached';
    return [`Deadline to ${what} ${late ? 'missed' : 'near'}`, d.reason, late ? 'bad' : ''];
}

const name = (word) => capital(String(word ?? '').replaceAll('_', ' '));
