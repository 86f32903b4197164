/**
 * Updates for stakeholders: the form, and the update that was promised next.
 */

import { ApiError, get } from './api.js';
import { h } from './dom.js';
import { fullMoment, isOpen, moment, now, shortMoment, span, timeZone } from './format.js';
import { secondsOf } from './zones.js';

const STATES = [['', 'none'], ['investigating', 'Investigating'], ['identified', 'Identified'], ['monitoring', 'Monitoring'], ['resolved', 'Resolved']];
const IN = ['15m', '30m', '1h', '2h', '4h', '1d'].map((one) => [one, '']);
const MOST_LETTERS = 2000;
// Of a longer one the facts show the beginning.
const MOST_SHOWN = 240;

/** @type {import('./actions.js').Action} */
export const UPDATE = {
    id: 'update', label: 'Update stakeholders', submit: 'Send update', key: 'u', capability: 'incident_write',
    blocked: (i) => i.merged_into ? `This incident was merged into ${i.merged_into}. Continue there.` : '',
    reads: async (i) => ({ updates: await read(i.id) }),
    fields: (i, { updates }) => [
        {
            name: 'text', label: 'Message', kind: 'area', required: true, keeps: true, most: MOST_LETTERS, value: updates.draft.text,
            help: 'This draft is generated from the incident’s facts. Review and edit it: its readers do not work on the incident.',
        },
        { name: 'state', label: 'State', kind: 'select', options: STATES, value: updates.draft.state, help: 'Shown to stakeholders. It does not change the incident.' },
        { name: 'services', label: 'Affected services, one per line', kind: 'area', keeps: true, value: updates.draft.services.join('\n') },
        { name: 'next', label: 'Next update in', suggestions: IN, help: `For example 30m. ${nextHelp(i, updates)}` },
        { name: 'by', label: 'Or by', kind: 'moment', help: `In the time zone ${timeZone()}.` },
    ],
    effects: (_i, values, { updates }) => [recipientsLine(updates), lastUpdateLine(updates), promiseLine(values)].filter(Boolean),
    path: (i) => `incidents/${encodeURIComponent(i.id)}/updates`,
    body: ({ text, state, services, next, by }) => ({
        text, state, services: services.split('\n').map((one) => one.trim()).filter(Boolean),
        ...(next && { next_update_in: next }), ...(by && { next_update_by: secondsOf(by, timeZone()) }),
    }),
    done: (i) => `Update sent${i.update_due ? `. The next one is due ${shortMoment(i.update_due)}` : ''}.`,
};

/** The extra field of the resolve form, if stakeholders wait for an update. */
export const lastUpdateField = (incident) => !nextUpdateDue(incident) ? [] : [{
    name: 'update', label: 'Last update for stakeholders', kind: 'area', most: MOST_LETTERS,
    help: `Stakeholders expect an update by ${shortMoment(incident.update_due)}. If you leave this empty, the update is still due.`,
}];

/** When the next update for stakeholders is due, in epoch seconds; 0 if none is. */
const nextUpdateDue = (incident) => (incident && incident.update_due) || 0;

/** Whether the next update is overdue. */
export const isUpdateOverdue = (incident) => nextUpdateDue(incident) > 0 && nextUpdateDue(incident) < now();

/** The time until the next update, or how late it is. */
export function updateClock(incident) {
    const due = nextUpdateDue(incident);
    if (!due) return null;
    const [state, text] = isUpdateOverdue(incident) ? ['breached', `update overdue by ${span(now() - due)}`] : ['none', `update in ${span(due - now())}`];
    return [' · ', h('span', { class: `wb-sla wb-sla-${state}`, title: `Stakeholders expect an update by ${fullMoment(due)}` }, text)];
}

/** Facts of an incident: the beginning of the last update (the timeline has all of it), and when the next is due. */
export function updateFacts(incident) {
    const { last_update: last } = incident;
    const due = nextUpdateDue(incident);
    return [
        ['Last update', last?.text && `${beginning(last.text)} (${moment(last.time)}, ${last.by})`],
        ['Next update', due > 0 && h('time', { datetime: new Date(due * 1000).toISOString(), title: fullMoment(due) }, shortMoment(due))],
    ];
}

function beginning(text) {
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN).trimEnd()} …` : text;
}

/** Read the updates, their recipients, and a draft; the draft is empty if they can't be read now. */
async function read(id) {
    try {
        return (await get(`incidents/${encodeURIComponent(id)}/updates`)).body;
    } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { updates: [], stakeholders: null, draft: { text: '', state: '', services: [] } };
    }
}

function nextHelp(incident, { update_every: every }) {
    if (every && isOpen(incident)) return `If empty, the next update is due within ${span(every)}, as stakeholders asked.`;
    return 'If empty, no update is promised. The owner is reminded of a promised update.';
}

function recipientsLine({ stakeholders }) {
    if (!stakeholders) return 'The recipients could not be read.';
    if (!stakeholders.length) return 'No stakeholder group matches this severity and team. The update goes to the timeline and to subscribed webhooks only. Define groups under Configuration › Stakeholders.';
    return `Recipients: ${stakeholders.map(placesOf).join('; ')}.`;
}

function placesOf({ name, slack_channels: channels, mail_addresses: mails, teams }) {
    const places = [...channels, mails && `${mails} by e-mail`, teams && 'Teams'].filter(Boolean);
    return `${name} (${places.join(', ')})`;
}

function lastUpdateLine({ updates: [last] }) {
    return last && `Last update, ${moment(last.time)} by ${last.by}: ${beginning(last.text)}`;
}

function promiseLine({ next, by, state }) {
    if (state === 'resolved' && (next || by)) return 'The state is Resolved: remove the time of the next update.';
    if (next && by) return 'Fill in only one: “Next update in” or “Or by”.';
    if (by && secondsOf(by, timeZone()) <= now()) return 'The time of the next update is in the past.';
    return (next || by) && 'The message says when the next update comes. If none is sent by then, the owner and the team are reminded.';
}
