/**
 * What a timeline entry says, for people. The kinds are those of docs/DATA.md.
 */

import { capital, FEEDBACK, many, moment, planned, some, stateName } from './words.js';

/**
 * @typedef {{_key: string, kind: string, time: number, actor: string, data: Object<string, any>, counts?: boolean}} Entry
 * @typedef {{title: string, text: string, tone: ''|'person'|'good'|'bad'}} Told
 */

const sentence = (...parts) => parts.filter(Boolean).join(' ');
const count = (value) => Object.keys(value ?? {}).length;

/** @type {Object<string, function(Object<string, any>): [string, string, string?]>} */
const KINDS = {
    opened: (d) => ['Opened', sentence(d.description || d.title, d.reason, found(d.fields))],
    signal: (d) => [`${many(count(d.signals), 'more signal')}`, sentence(`${d.rule ?? ''} on ${some(d.entities, 4)}.`, d.reason, found(d.fields))],
    routed: (d) => [`Routed to ${d.owner || d.team || 'nobody'}`, d.reason],
    note: (d) => ['Note', d.text],
    update: (d) => [`Stakeholders told${d.state ? `: ${d.state}` : ''}`, sentence(d.text, d.next_by && `(Next update by ${planned(d.next_by)}.)`)],
    update_due: (d) => d.event === 'missed' ? ['Update for stakeholders overdue', d.reason, 'bad'] : ['When stakeholders hear next', d.reason],
    ticket: (d) => [ticketTitle(d), d.text],
    edited: (d) => [`Corrected ${Object.keys(d).join(', ')}`, d.title ?? ''],
    fields: (d) => ['Fields set', d.text],
    assigned: (d) => [`Given to ${[d.owner, d.team && `team ${d.team}`].filter(Boolean).join(', ')}`, d.reason],
    unassigned: (d) => ['Without an owner', d.reason],
    sla: serviceLevel,
    status: status,
    severity: (d) => [`Severity from ${d.from} to ${d.to}`, d.reason],
    escalation: (d) => [`Escalated to level ${d.level}`, sentence(d.owner || d.team ? `To ${d.owner || d.team}.` : '', d.reason), 'bad'],
    pinned: (d) => [d.pinned ? 'Pinned: not resolved by itself' : 'Pin taken off', d.reason],
    merged: (d) => [`Merged into ${d.into}`, d.reason],
    joined: (d) => [`Took over ${d.from}`, sentence(d.title, d.reason, d.tasks && `${many(d.tasks.length, 'task')} came along.`)],
    split: (d) => [`Split: some of it is ${d.to} now`, d.reason],
    unmerged: (d) => [`Taken out of ${d.from} again`, d.reason],
    flapping: (d) => [{ began: 'Opens too often: held open', held: 'Held open', ended: 'Calm again' }[d.state] ?? 'Flapping', d.reason],
    analysis: (d) => [`Analysed: ${{ low: 'a suspect, not proved' }[d.confidence] ?? (d.cause ? 'cause found' : 'no cause found')}`, d.verdict],
    notification: (d) => d.follow_up ? ticketTold(d) : [`${name(d.channel)}${d.stakeholders ? ` (${d.stakeholders})` : ''} ${{ sent: 'was told', dead: 'could not be told', unconfirmed: 'may have been told' }[d.outcome] ?? d.outcome}`, d.detail, d.outcome === 'dead' ? 'bad' : ''],
    plan: (d) => ['Fix proposed', d.summary],
    refused: (d) => ['Fix refused', d.reason, 'bad'],
    approval: (d) => [d.decision === 'approved' ? (d.left ? 'Fix approved in part' : 'Fix approved') : 'Fix rejected', d.expires_at && d.decision === 'approved' ? `${d.override ? `Overrides ${d.override.freezes.join(', ')}: ${d.override.reason} ` : ''}Holds until ${moment(d.expires_at)}.` : d.reason],
    action: (d) => [{ started: 'Fix begun', done: 'Fix carried out' }[d.phase] ?? 'Fix failed', d.detail, d.phase === 'failed' ? 'bad' : ''],
    room: (d) => [{ wanted: 'Slack channel asked for', opened: `Slack channel #${d.name}`, archived: 'Slack channel archived', gone: 'Slack channel gone', held: 'No Slack channel opened' }[d.event] ?? 'Slack channel could not be opened', d.reason, d.event === 'failed' ? 'bad' : ''],
    review: (d) => [{ done: 'Review done', not_needed: 'No review needed', open: 'Review taken up again' }[d.state] ?? 'Review written', sentence(d.reason, ...['summary', 'impact', 'causes', 'went_well', 'went_badly', 'lessons'].map((name) => d[name]))],
    follow_up: (d) => d.event === 'ticket' ? [`Ticket in ${name(d.channel)} wanted for ${d.follow_up}`, d.title] : [d.event === 'overdue' ? 'Follow-up overdue' : `Follow-up ${d.event === 'changed' && d.state ? { open: 'open again' }[d.state] ?? d.state : d.event}`, [d.title, d.owner && `owner ${d.owner}`, d.due && `due ${planned(d.due)}`, d.reason].filter(Boolean).join(' · '), d.event === 'overdue' ? 'bad' : ''],
    task: (d) => [taskTitle(d), [d.title, d.was && `before: ${d.was}`, d.event === 'added' && d.owner, d.reason].filter(Boolean).join(' · ')],
    role: (d) => [d.person ? `${d.person} has the role ${d.role}` : `Nobody has the role ${d.role}`, d.instead_of && `Before: ${d.instead_of}.`],
    rollback: (d) => [{ started: 'Undoing the fix', done: 'Fix undone' }[d.phase] ?? 'Fix could not be undone', d.detail, d.phase === 'failed' ? 'bad' : ''],
    verification: (d) => [{ recovered: 'Recovery proved', not_recovered: 'The fix did not help' }[d.outcome] ?? 'Recovery not proved: not enough data', d.detail, { recovered: 'good', not_recovered: 'bad' }[d.outcome] ?? ''],
};

// What others decided or said. Signals and messages come all the time and change nobody's mind.
const DECISIONS = new Set([
    'note', 'update', 'edited', 'fields', 'assigned', 'unassigned', 'status', 'severity', 'escalation', 'pinned',
    'merged', 'joined', 'split', 'unmerged', 'approval', 'review', 'follow_up',
]);

/**
 * Tell an entry.
 * @param {Entry} entry
 * @returns {Told}
 */
export function tell(entry) {
    const [title, text, tone] = KINDS[entry.kind]?.(entry.data ?? {}) ?? [name(entry.kind), ''];
    return { title, text: text ?? '', tone: tone || (isPerson(entry.actor) ? 'person' : '') };
}

/**
 * Whether an entry is one that somebody else should know of before changing the incident.
 * @param {Entry} entry
 */
export const isDecision = (entry) => DECISIONS.has(entry.kind) && entry.data?.event !== 'overdue';

function isPerson(actor) {
    return Boolean(actor) && actor !== 'system' && actor !== 'splunk-system-user';
}

/** What a finding says of custom fields. */
function found(fields) {
    return fields && `Fields: ${Object.entries(fields).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`).join('; ')}.`;
}

function status(d) {
    const { from, to } = d;
    if (to === 'resolved') {
        const judged = FEEDBACK[d.feedback] ? `${FEEDBACK[d.feedback]}.` : '';
        const left = d.tasks_left?.length > 0 && `${many(d.tasks_left.length, 'task')} open: ${some(d.tasks_left, 5)}.`;
        return ['Resolved', sentence(d.category && `${d.category}.`, d.resolution, d.reason, judged, left), 'good'];
    }
    if (to === 'closed') return ['Closed', sentence(d.resolution, d.reason)];
    if (from === 'resolved' || from === 'closed') return ['Reopened', d.reason, 'bad'];
    if (to === 'in_progress') return ['Acknowledged', d.reason === 'acknowledged' ? '' : d.reason];
    return [`${stateName(from)} to ${stateName(to)}`, d.reason];
}

function taskTitle(d) {
    if (d.event === 'added') return 'Task added';
    const state = { open: 'open again' }[d.state] ?? d.state;
    const handed = 'owner' in d && (d.owner ? `handed to ${d.owner}` : 'left to anybody');
    return `Task ${[d.was && 'renamed', state || handed].filter(Boolean).join(', ')}`;
}

function ticketTitle(d) {
    const did = { state: 'moved on', assignee: 'handed over', gone: 'gone', full: 'has more remarks' }[d.event];
    return did ? `Ticket ${d.number} ${did}` : sentence(`Ticket ${d.number}:`, d.what || 'comment', d.by && `by ${d.by}`);
}

function ticketTold(d) {
    const where = `${name(d.channel)}, ${d.follow_up}`;
    if (d.outcome !== 'sent') return [`Follow-up's ticket ${d.outcome === 'dead' ? 'could not be told' : 'may have been told'}`, sentence(`${where}.`, d.detail), d.outcome === 'dead' ? 'bad' : ''];
    return d.ticket ? [`Follow-up's ticket ${d.ticket.number}`, `${where}.`] : ['Follow-up without a ticket', `${where}: there is none to be told.`];
}

function serviceLevel(d) {
    if (d.event === 'timed') {
        const dues = [d.acknowledge_due && `acknowledge by ${moment(d.acknowledge_due)}`, d.resolve_due && `resolve by ${moment(d.resolve_due)}`];
        return ['Deadlines set', dues.filter(Boolean).join(', ')];
    }
    const what = d.clock === 'acknowledge' ? 'acknowledgement' : 'resolution';
    const late = d.event === 'breached';
    return [`Deadline of the ${what} ${late ? 'missed' : 'is near'}`, d.reason, late ? 'bad' : ''];
}

const name = (word) => capital(String(word ?? '').replaceAll('_', ' '));
