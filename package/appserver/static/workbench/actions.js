/**
 * What people can do to an incident: who may, when it makes sense, what is asked, what is sent.
 */

import { FIELDS, neededFields, withFields } from './fields.js';
import { abbreviate, FEEDBACK, isOpen, moment, now, plural, SEVERITIES, stateName } from './format.js';
import { openTasksWarning, readTasks } from './tasks.js';
import { lastUpdateField, UPDATE } from './updates.js';

/**
 * @typedef {Object<string, any>} Incident as `GET /incidents/{id}` has it
 * @typedef {{name: string, label: string, kind?: 'text'|'area'|'select'|'moment'|'time'|'date', required?: boolean, value?: string, help?: string, options?: [string, string][], most?: number, keeps?: boolean, mark?: string, folds?: boolean, asked?: function(Object<string, string>): boolean, suggestions?: [string, string][]}} Field
 *     Field: `mark` is said of one that may be left empty for now; `asked` tells by what the form has whether it is
 *     asked for; unless it is, it is neither seen nor sent; one that `folds` is behind “More fields”
 * @typedef {object} Action
 * @property {string} id
 * @property {string} label what the button says
 * @property {string} capability what the caller needs
 * @property {string} [key] its shortcut
 * @property {boolean} [danger] whether it is confirmed, and with what follows from it
 * @property {string} [method] POST unless said
 * @property {boolean} [guarded] whether the API takes If-Match there; true unless said
 * @property {function(): boolean} [offered] whether there is such a thing here; true unless said
 * @property {function(Incident): string} blocked why it can't be done now, empty when it can
 * @property {function(Incident): Promise<object>} [reads] what of the incident its form needs, added to the choices
 * @property {function(Incident, Choices): Field[]} [fields] what is asked before
 * @property {function(Incident, Object<string, string>, Choices): string[]} [effects] what will happen
 * @property {function(Incident, Object<string, string>): string} path
 * @property {function(Object<string, string>, Incident): object} [body]
 * @property {function(Incident, any): string} done what to say afterwards
 *
 * @typedef {object} Choices what the forms offer
 * @property {string} me
 * @property {string[]} teams
 * @property {string[]} people
 * @property {Map<string, string[]>} shifts by team who of it works now, who has least to do first
 * @property {Incident[]} others open incidents
 * @property {[string, string][]} actions entries of the remediation catalogue
 */

const CATEGORIES = ['Bad change', 'Capacity', 'Dependency', 'Configuration', 'Hardware', 'Security', 'Expected', 'Other'];
const HOLD_BACK = [['3600', 'an hour'], ['14400', '4 hours'], ['86400', 'a day'], ['604800', 'a week']];

const at = (verb) => (incident) => `incidents/${encodeURIComponent(incident.id)}/${verb}`;
const filled = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

/** Why something for open incidents can't be done. */
function mustBeOpen(incident) {
    if (isOpen(incident)) return '';
    if (incident.merged_into) return `It was merged into ${incident.merged_into}: go on there.`;
    if (incident.status === 'closed') return 'It is closed for good.';
    return 'It is resolved: reopen it first.';
}

const mustBeResolved = (to) => (incident) => incident.status === 'resolved'
    ? '' : `It is ${stateName(incident.status).toLowerCase()}: only a resolved one is ${to}.`;

const reason = (required = false, label = 'Why') => ({ name: 'reason', label, kind: 'area', required });
const who = (incident, choices) => [
    { name: 'owner', label: 'Owner', suggestions: choices.people.map((one) => [one, one === choices.me ? 'you' : '']), help: onShift(incident.team, choices.shifts) },
    { name: 'team', label: 'Team', kind: 'select', options: [['', 'as it is'], ...choices.teams.map((team) => [team, team])] },
];

/** @type {Action[]} */
export const ACTIONS = [
    {
        id: 'acknowledge', label: 'Acknowledge', key: 'a', capability: 'incident_write',
        blocked: (i) => mustBeOpen(i) || (i.status === 'in_progress' ? 'It is acknowledged already.' : ''),
        path: at('acknowledge'),
        done: (i) => `${i.id} is acknowledged. Owner: ${i.owner}.`,
    },
    {
        id: 'assign', label: 'Assign', key: 's', capability: 'incident_write',
        blocked: mustBeOpen,
        fields: (i, choices) => {
            const [owner, team] = who(i, choices);
            return [
                { ...owner, value: i.owner || choices.me },
                { ...team, help: 'A team without an owner gives it to whoever of it is on shift and has room.' },
            ];
        },
        path: at('assign'), body: filled,
        done: (i) => `${i.id} is with ${i.owner || `team ${i.team}`} now.`,
    },
    {
        id: 'escalate', label: 'Escalate', key: 'e', capability: 'incident_write',
        blocked: mustBeOpen,
        fields: (i, choices) => {
            const [owner, team] = who(i, choices);
            return [
                reason(true, 'Why, for whoever gets it'),
                owner,
                { ...team, options: [['', 'the next step of its path'], ...team.options.slice(1)] },
            ];
        },
        path: at('escalate'), body: filled,
        done: (i) => `${i.id} is escalated to level ${i.level}.`,
    },
    {
        id: 'resolve', label: 'Resolve', key: 'r', capability: 'incident_write',
        blocked: mustBeOpen,
        fields: (i, choices) => [
            ...neededFields(i, choices),
            { name: 'resolution', label: 'What was done', kind: 'area' },
            { name: 'category', label: 'Kind of cause', suggestions: CATEGORIES.map((one) => [one, '']) },
            {
                name: 'feedback', label: 'Was the finding right?', kind: 'select',
                options: [['', 'not judged'], ...Object.entries(FEEDBACK)],
                help: 'Judgements make a noisy detection visible on the page Detections.',
            },
            ...lastUpdateField(i),
        ],
        reads: async (i) => ({ tasks: await readTasks(i.id) }),
        effects: (_i, _values, { tasks }) => openTasksWarning(tasks),
        path: at('resolve'), body: (values) => withFields(filled(values)),
        done: (i) => `${i.id} is resolved.`,
    },
    {
        id: 'reopen', label: 'Reopen', key: 'o', capability: 'incident_write',
        blocked: mustBeResolved('reopened'),
        fields: () => [reason()],
        path: at('reopen'), body: filled,
        done: (i) => `${i.id} is open again.`,
    },
    UPDATE,
    {
        id: 'analyze', label: 'Ask for an analysis', key: 'y', capability: 'incident_write', guarded: false,
        blocked: () => '',
        path: at('analyze'),
        done: () => 'The analysis has begun: it searches with your rights, which takes a minute or so.',
    },
    {
        id: 'propose', label: 'Ask for a fix', capability: 'incident_write', guarded: false,
        blocked: mustBeOpen,
        fields: (_i, choices) => choices.actions.length < 2 ? [] : [
            { name: 'action', label: 'What', kind: 'select', options: choices.actions },
        ],
        path: at('plans'), body: filled,
        done: (_i, plan) => `${plan.plan_id} is proposed: ${plan.summary ?? ''}`,
    },
    {
        id: 'close', label: 'Close', capability: 'incident_write', danger: true,
        blocked: mustBeResolved('closed'),
        fields: () => [reason()],
        effects: (i) => [`${i.id} “${i.title}” is closed for good: nobody can reopen it.`, 'The next signal of the same problem opens a new incident.'],
        path: at('close'), body: filled,
        done: (i) => `${i.id} is closed.`,
    },
    {
        id: 'merge', label: 'Merge into another', capability: 'incident_write', danger: true,
        blocked: (i) => i.merged_into ? mustBeOpen(i) : (i.status === 'closed' ? 'It is closed for good.' : ''),
        fields: (i, choices) => [
            {
                name: 'into', label: 'Incident that takes it over', required: true,
                suggestions: choices.others.filter((one) => one.id !== i.id).map((one) => [one.id, `${one.severity} · ${one.title}`]),
            },
            reason(),
        ],
        effects: (i, values, choices) => {
            const target = choices.others.find((one) => one.id === values.into);
            const into = target ? `${target.id} “${target.title}”` : values.into || 'the incident that you name';
            return [`${i.id} “${i.title}” is closed and points to ${into}.`, `${plural(i.signals, 'signal')} of it, and later ones of the same problems, count there.`, ...(i.tasks?.length ? ['What is to be done in it goes on there.'] : []), 'It can be taken out again there.'];
        },
        path: at('merge'), body: filled,
        done: (i) => `It is part of ${i.id} now.`,
    },
    {
        id: 'unmerge', label: 'Take a merged one out', capability: 'incident_write',
        blocked: (i) => i.merged?.length ? mustBeOpen(i) : 'Nothing was merged into it.',
        fields: (i) => [{ name: 'incident', label: 'Incident', kind: 'select', options: (i.merged ?? []).map((id) => [id, id]) }, reason()],
        effects: (i, values) => [`${values.incident} is open again, with what it had and what its problems brought since.`],
        path: at('split'), body: filled,
        done: () => 'The merged incident is open again.',
    },
    {
        id: 'pin', label: 'Pin', capability: 'incident_write',
        blocked: (i) => i.pinned ? 'It is pinned already.' : mustBeOpen(i),
        fields: () => [{ ...reason(), help: 'A pinned incident is never resolved by itself.' }],
        path: at('pin'), body: (values) => ({ pinned: true, ...filled(values) }),
        done: (i) => `${i.id} is pinned.`,
    },
    {
        id: 'unpin', label: 'Take the pin off', capability: 'incident_write',
        blocked: (i) => i.pinned ? '' : 'It is not pinned.',
        path: at('pin'), body: () => ({ pinned: false }),
        done: (i) => `${i.id} may be resolved by itself again.`,
    },
    {
        id: 'snooze', label: 'Hold back its signals', capability: 'incident_write', guarded: false,
        blocked: (i) => i.rules?.length ? '' : 'No detection raised it: there is nothing to hold back.',
        fields: (i) => [
            { name: 'rule', label: 'Detection', kind: 'select', options: (i.rules ?? []).map((rule) => [rule, rule]) },
            { name: 'entity', label: 'About', kind: 'select', options: [...(i.entities ?? []).map((one) => [one, one]), ['*', 'everything']] },
            { name: 'seconds', label: 'For', kind: 'select', options: HOLD_BACK },
            reason(true),
        ],
        effects: (i, values) => {
            const until = moment(now() + Number(values.seconds || 0));
            return [`Signals of “${values.rule}” about ${values.entity === '*' ? 'everything' : values.entity} open no incident until ${until}. They are stored and counted.`];
        },
        path: () => 'suppressions',
        body: (values) => ({ ...values, rule: literal(values.rule), entity: values.entity === '*' ? '*' : literal(values.entity), kind: 'snooze', seconds: Number(values.seconds) }),
        done: (_i, made) => `Held back until ${moment(made.ends_at)} (${made.id}).`,
    },
    {
        id: 'room', label: 'Open a Slack channel', capability: 'incident_write',
        blocked: (i) => mustBeOpen(i) || ({ wanted: 'It is being opened.', opened: `It has #${i.room?.name}.` }[i.room?.state] ?? ''),
        path: at('room'),
        done: (i) => `A Slack channel for ${i.id} is asked for: its link is here once it is open, within seconds.`,
    },
    {
        id: 'edit', label: 'Correct title or severity', capability: 'incident_write', method: 'PUT',
        blocked: () => '',
        fields: (i) => [
            { name: 'title', label: 'Title', required: true, value: i.title },
            { name: 'severity', label: 'Severity', kind: 'select', value: i.severity, options: SEVERITIES.map((one) => [one, one]) },
            { name: 'description', label: 'Description', kind: 'area', value: i.description },
        ],
        path: (i) => `incidents/${encodeURIComponent(i.id)}`,
        body: (values, i) => ({ ...values, owner: i.owner ?? '', team: i.team ?? '' }),
        done: (i) => `${i.id} is corrected.`,
    },
    FIELDS,
    {
        id: 'withdraw', label: 'Withdraw', capability: 'incident_admin', danger: true, method: 'DELETE',
        blocked: (i) => i.status === 'closed' ? 'It is closed already.' : '',
        fields: () => [reason(true, 'Why it should not have been an incident')],
        effects: (i) => [`${i.id} “${i.title}” is closed as withdrawn. Nothing is erased; the same finding opens a new incident.`],
        path: (i, values) => `incidents/${encodeURIComponent(i.id)}?${new URLSearchParams({ reason: values.reason ?? '' })}`,
        done: (i) => `${i.id} is withdrawn.`,
    },
];

/** Who works now: of a team, else of all. */
function onShift(team, shifts) {
    if (!shifts.size) return '';
    const all = abbreviate([...new Set([...shifts.values()].flat())].sort(), 8);
    const here = shifts.get(team) ?? [];
    if (here.length) return `On shift in ${team} now: ${abbreviate(here, 8)}.`;
    if (!all) return 'Nobody is on shift now.';
    return shifts.has(team) ? `Nobody is on shift in ${team} now; in other teams: ${all}.` : `On shift now: ${all}.`;
}

// A suppression's patterns know * and ?; a name that holds one is matched with ? in its place.
const literal = (name) => name.replace(/[*]/g, '?');

/**
 * Why somebody can't do something now, empty when they can.
 * @param {Action} action
 * @param {Incident} incident
 * @param {Set<string>} capabilities
 */
export function whyNot(action, incident, capabilities) {
    return lacks(capabilities, action.capability) || action.blocked(incident);
}

/**
 * What somebody lacks, as a sentence; empty when nothing.
 * @param {Set<string>} capabilities
 * @param {string} capability
 */
export function lacks(capabilities, capability) {
    return capabilities.has(capability) ? '' : `Your roles lack the capability ${capability}.`;
}

/** @param {string} id */
export const actionById = (id) => ACTIONS.find((action) => action.id === id);
