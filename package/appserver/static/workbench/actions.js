/**
 * The actions on an incident: who may run them, when, which fields their form asks for, and the request they send.
 */

import { FIELDS, neededFields, withFields } from './fields.js';
import { abbreviate, FEEDBACK, isOpen, moment, now, plural, SEVERITIES, stateName } from './format.js';
import { openTasksWarning, readTasks } from './tasks.js';
import { lastUpdateField, UPDATE } from './updates.js';

/**
 * @typedef {Object<string, any>} Incident as `GET /incidents/{id}` has it
 * @typedef {{name: string, label: string, kind?: 'text'|'area'|'select'|'moment'|'time'|'date', required?: boolean, value?: string, help?: string, options?: [string, string][], most?: number, keeps?: boolean, mark?: string, folds?: boolean, asked?: function(Object<string, string>): boolean, suggestions?: [string, string][]}} Field
 *     Field: `mark` is shown after the label of an optional field; `asked` decides from the form's values whether the
 *     field applies: if not, it is neither shown nor sent; a field that `folds` is behind “More fields”
 * @typedef {object} Action
 * @property {string} id
 * @property {string} label the button's text
 * @property {string} [submit] the text of the form's button; default: the label
 * @property {string} capability what the caller needs
 * @property {string} [key] its shortcut
 * @property {boolean} [danger] whether the user must confirm it; the dialog lists its effects
 * @property {string} [method] of HTTP; default POST
 * @property {boolean} [guarded] whether the API takes If-Match there; default true
 * @property {function(): boolean} [offered] whether this installation has the action; default true
 * @property {function(Incident): string} blocked why the incident's state forbids it now; empty if it is allowed
 * @property {function(Incident): Promise<object>} [reads] reads what else the form needs; the result is added to the choices
 * @property {function(Incident, Choices): Field[]} [fields] the form's fields
 * @property {function(Incident, Object<string, string>, Choices): string[]} [effects] what the action will do, one sentence each
 * @property {function(Incident, Object<string, string>): string} path
 * @property {function(Object<string, string>, Incident): object} [body]
 * @property {function(Incident, any): string} done the toast afterwards
 *
 * @typedef {object} Choices what the forms offer
 * @property {string} me
 * @property {string[]} teams
 * @property {string[]} people
 * @property {Map<string, string[]>} shifts by team, its members who are on shift now, least busy first
 * @property {Incident[]} others open incidents
 * @property {[string, string][]} actions entries of the remediation catalogue
 */

const CATEGORIES = ['Bad change', 'Capacity', 'Dependency', 'Configuration', 'Hardware', 'Security', 'Expected', 'Other'];
const SNOOZE_SPANS = [['3600', '1 hour'], ['14400', '4 hours'], ['86400', '1 day'], ['604800', '1 week']];

const at = (verb) => (incident) => `incidents/${encodeURIComponent(incident.id)}/${verb}`;
const filled = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

/** Why an action on open incidents is blocked; empty if the incident is open. */
function mustBeOpen(incident) {
    if (isOpen(incident)) return '';
    if (incident.merged_into) return `This incident was merged into ${incident.merged_into}. Continue there.`;
    if (incident.status === 'closed') return 'This incident is closed and can’t be reopened.';
    return 'This incident is resolved. Reopen it first.';
}

const mustBeResolved = (to) => (incident) => incident.status === 'resolved'
    ? '' : `This incident is ${stateName(incident.status).toLowerCase()}. Only resolved incidents can be ${to}.`;

const reason = (required = false, label = 'Reason') => ({ name: 'reason', label, kind: 'area', required });
const who = (incident, choices) => [
    { name: 'owner', label: 'Owner', suggestions: choices.people.map((one) => [one, one === choices.me ? 'you' : '']), help: onShift(incident.team, choices.shifts) },
    { name: 'team', label: 'Team', kind: 'select', options: [['', 'unchanged'], ...choices.teams.map((team) => [team, team])] },
];

/** @type {Action[]} */
export const ACTIONS = [
    {
        id: 'acknowledge', label: 'Acknowledge', key: 'a', capability: 'incident_write',
        blocked: (i) => mustBeOpen(i) || (i.status === 'in_progress' ? 'This incident is already acknowledged.' : ''),
        path: at('acknowledge'),
        done: (i) => `${i.id} acknowledged. Owner: ${i.owner}.`,
    },
    {
        id: 'assign', label: 'Assign', key: 's', capability: 'incident_write',
        blocked: mustBeOpen,
        fields: (i, choices) => {
            const [owner, team] = who(i, choices);
            return [
                { ...owner, value: i.owner || choices.me },
                { ...team, help: 'If you choose a team and no owner, the incident is assigned to a team member who is on shift and has capacity.' },
            ];
        },
        path: at('assign'), body: filled,
        done: (i) => `${i.id} is assigned to ${i.owner || `team ${i.team}`}.`,
    },
    {
        id: 'escalate', label: 'Escalate', key: 'e', capability: 'incident_write',
        blocked: mustBeOpen,
        fields: (i, choices) => {
            const [owner, team] = who(i, choices);
            return [
                reason(true, 'Reason, for the new owner'),
                owner,
                { ...team, options: [['', 'next escalation step'], ...team.options.slice(1)] },
            ];
        },
        path: at('escalate'), body: filled,
        done: (i) => `${i.id} escalated to level ${i.level}.`,
    },
    {
        id: 'resolve', label: 'Resolve', key: 'r', capability: 'incident_write',
        blocked: mustBeOpen,
        fields: (i, choices) => [
            ...neededFields(i, choices),
            { name: 'resolution', label: 'Resolution', kind: 'area' },
            { name: 'category', label: 'Cause category', suggestions: CATEGORIES.map((one) => [one, '']) },
            {
                name: 'feedback', label: 'Was the detection right?', kind: 'select',
                options: [['', 'not judged'], ...Object.entries(FEEDBACK)],
                help: 'Verdicts show which detections are noisy, on the page Detections.',
            },
            ...lastUpdateField(i),
        ],
        reads: async (i) => ({ tasks: await readTasks(i.id) }),
        effects: (_i, _values, { tasks }) => openTasksWarning(tasks),
        path: at('resolve'), body: (values) => withFields(filled(values)),
        done: (i) => `${i.id} resolved.`,
    },
    {
        id: 'reopen', label: 'Reopen', key: 'o', capability: 'incident_write',
        blocked: mustBeResolved('reopened'),
        fields: () => [reason()],
        path: at('reopen'), body: filled,
        done: (i) => `${i.id} reopened.`,
    },
    UPDATE,
    {
        id: 'analyze', label: 'Run analysis', key: 'y', capability: 'incident_write', guarded: false,
        blocked: () => '',
        path: at('analyze'),
        done: () => 'Analysis started. It searches with your permissions and takes about a minute.',
    },
    {
        id: 'propose', label: 'Propose a fix', capability: 'incident_write', guarded: false,
        blocked: mustBeOpen,
        fields: (_i, choices) => choices.actions.length < 2 ? [] : [
            { name: 'action', label: 'Fix', kind: 'select', options: choices.actions },
        ],
        path: at('plans'), body: filled,
        done: (_i, plan) => `${plan.plan_id} proposed: ${plan.summary ?? ''}`,
    },
    {
        id: 'close', label: 'Close', capability: 'incident_write', danger: true,
        blocked: mustBeResolved('closed'),
        fields: () => [reason()],
        effects: (i) => [`${i.id} “${i.title}” is closed permanently and can’t be reopened.`, 'The next signal of the same problem opens a new incident.'],
        path: at('close'), body: filled,
        done: (i) => `${i.id} closed.`,
    },
    {
        id: 'merge', label: 'Merge into another incident', submit: 'Merge', capability: 'incident_write', danger: true,
        blocked: (i) => i.merged_into ? mustBeOpen(i) : (i.status === 'closed' ? 'This incident is closed.' : ''),
        fields: (i, choices) => [
            {
                name: 'into', label: 'Target incident', required: true,
                suggestions: choices.others.filter((one) => one.id !== i.id).map((one) => [one.id, `${one.severity} · ${one.title}`]),
            },
            reason(),
        ],
        effects: (i, values, choices) => {
            const target = choices.others.find((one) => one.id === values.into);
            const into = target ? `${target.id} “${target.title}”` : values.into || 'the target incident';
            return [`${i.id} “${i.title}” is closed and points to ${into}.`, `Its ${plural(i.signals, 'signal')}, and later signals of the same problems, count there.`, ...(i.tasks?.length ? ['Its tasks continue there.'] : []), 'You can undo the merge in the target incident.'];
        },
        path: at('merge'), body: filled,
        done: (i) => `Merged into ${i.id}.`,
    },
    {
        id: 'unmerge', label: 'Undo a merge', capability: 'incident_write',
        blocked: (i) => i.merged?.length ? mustBeOpen(i) : 'No incident was merged into this one.',
        fields: (i) => [{ name: 'incident', label: 'Incident', kind: 'select', options: (i.merged ?? []).map((id) => [id, id]) }, reason()],
        effects: (i, values) => [`${values.incident} reopens with the signals that it had and those that its problems have raised since.`],
        path: at('split'), body: filled,
        done: () => 'The merged incident is reopened.',
    },
    {
        id: 'pin', label: 'Pin', capability: 'incident_write',
        blocked: (i) => i.pinned ? 'This incident is already pinned.' : mustBeOpen(i),
        fields: () => [{ ...reason(), help: 'A pinned incident is never resolved automatically.' }],
        path: at('pin'), body: (values) => ({ pinned: true, ...filled(values) }),
        done: (i) => `${i.id} pinned.`,
    },
    {
        id: 'unpin', label: 'Unpin', capability: 'incident_write',
        blocked: (i) => i.pinned ? '' : 'This incident is not pinned.',
        path: at('pin'), body: () => ({ pinned: false }),
        done: (i) => `${i.id} unpinned. It can be resolved automatically again.`,
    },
    {
        id: 'snooze', label: 'Suppress its signals', capability: 'incident_write', guarded: false,
        blocked: (i) => i.rules?.length ? '' : 'No detection raised this incident, so it has no signals to suppress.',
        fields: (i) => [
            { name: 'rule', label: 'Detection', kind: 'select', options: (i.rules ?? []).map((rule) => [rule, rule]) },
            { name: 'entity', label: 'Host, service or user', kind: 'select', options: [...(i.entities ?? []).map((one) => [one, one]), ['*', 'everything']] },
            { name: 'seconds', label: 'For', kind: 'select', options: SNOOZE_SPANS },
            reason(true),
        ],
        effects: (i, values) => {
            const until = moment(now() + Number(values.seconds || 0));
            return [`Signals of “${values.rule}” about ${values.entity === '*' ? 'everything' : values.entity} open no incident until ${until}. They are still stored and counted.`];
        },
        path: () => 'suppressions',
        body: (values) => ({ ...values, rule: literal(values.rule), entity: values.entity === '*' ? '*' : literal(values.entity), kind: 'snooze', seconds: Number(values.seconds) }),
        done: (_i, made) => `Signals suppressed until ${moment(made.ends_at)} (${made.id}).`,
    },
    {
        id: 'room', label: 'Open a Slack channel', capability: 'incident_write',
        blocked: (i) => mustBeOpen(i) || ({ wanted: 'The Slack channel is being opened.', opened: `This incident already has the channel #${i.room?.name}.` }[i.room?.state] ?? ''),
        path: at('room'),
        done: (i) => `Opening a Slack channel for ${i.id}. Its link appears here within seconds.`,
    },
    {
        id: 'edit', label: 'Edit title or severity', submit: 'Save', capability: 'incident_write', method: 'PUT',
        blocked: () => '',
        fields: (i) => [
            { name: 'title', label: 'Title', required: true, value: i.title },
            { name: 'severity', label: 'Severity', kind: 'select', value: i.severity, options: SEVERITIES.map((one) => [one, one]) },
            { name: 'description', label: 'Description', kind: 'area', value: i.description },
        ],
        path: (i) => `incidents/${encodeURIComponent(i.id)}`,
        body: (values, i) => ({ ...values, owner: i.owner ?? '', team: i.team ?? '' }),
        done: (i) => `${i.id} updated.`,
    },
    FIELDS,
    {
        id: 'withdraw', label: 'Withdraw', capability: 'incident_admin', danger: true, method: 'DELETE',
        blocked: (i) => i.status === 'closed' ? 'This incident is already closed.' : '',
        fields: () => [reason(true, 'Why this should not have been an incident')],
        effects: (i) => [`${i.id} “${i.title}” is closed as withdrawn. Nothing is deleted, and the same finding opens a new incident.`],
        path: (i, values) => `incidents/${encodeURIComponent(i.id)}?${new URLSearchParams({ reason: values.reason ?? '' })}`,
        done: (i) => `${i.id} withdrawn.`,
    },
];

/** A sentence that names who is on shift now: in the team, else in all teams. */
function onShift(team, shifts) {
    if (!shifts.size) return '';
    const all = abbreviate([...new Set([...shifts.values()].flat())].sort(), 8);
    const here = shifts.get(team) ?? [];
    if (here.length) return `On shift in ${team} now: ${abbreviate(here, 8)}.`;
    if (!all) return 'Nobody is on shift now.';
    return shifts.has(team) ? `Nobody is on shift in ${team} now; in other teams: ${all}.` : `On shift now: ${all}.`;
}

// Patterns of suppressions know * and ?: a * within a name is matched by a ?.
const literal = (name) => name.replace(/[*]/g, '?');

/**
 * Return why the user can't run an action now; empty if they can.
 * @param {Action} action
 * @param {Incident} incident
 * @param {Set<string>} capabilities
 */
export function whyNot(action, incident, capabilities) {
    return lacks(capabilities, action.capability) || action.blocked(incident);
}

/**
 * Return a sentence that names the missing capability; empty if the user has it.
 * @param {Set<string>} capabilities
 * @param {string} capability
 */
export function lacks(capabilities, capability) {
    return capabilities.has(capability) ? '' : `Your roles don’t have the capability ${capability}.`;
}

/** @param {string} id */
export const actionById = (id) => ACTIONS.find((action) => action.id === id);
