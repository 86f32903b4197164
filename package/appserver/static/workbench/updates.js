/**
 * Updates for stakeholders: the form, and how an incident stands with what they were promised.
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
    id: 'update', label: 'Update stakeholders', key: 'u', capability: 'incident_write',
    blocked: (i) => i.merged_into ? `It was merged into ${i.merged_into}: go on there.` : '',
    reads: async (i) => ({ updates: await read(i.id) }),
    fields: (i, { updates }) => [
        {
            name: 'text', label: 'What they are told', kind: 'area', required: true, keeps: true, most: MOST_LETTERS, value: updates.draft.text,
            help: 'This is a draft, made from facts: read and correct it. People who do not work on it read this.',
        },
        { name: 'state', label: 'State', kind: 'select', options: STATES, value: updates.draft.state, help: 'What they are told; the incident stays as it is.' },
        { name: 'services', label: 'Affected, one a line', kind: 'area', keeps: true, value: updates.draft.services.join('\n') },
        { name: 'next', label: 'Next update in', suggestions: IN, help: `Such as 30m. ${nextHelp(i, updates)}` },
        { name: 'by', label: 'or by', kind: 'moment', help: `A time of ${timeZone()}.` },
    ],
    effects: (_i, values, { updates }) => [recipientsLine(updates), lastUpdateLine(updates), promiseLine(values)].filter(Boolean),
    path: (i) => `incidents/${encodeURIComponent(i.id)}/updates`,
    body: ({ text, state, services, next, by }) => ({
        text, state, services: services.split('\n').map((one) => one.trim()).filter(Boolean),
        ...(next && { next_update_in: next }), ...(by && { next_update_by: secondsOf(by, timeZone()) }),
    }),
    done: (i) => `The update is on its way${i.update_due ? `; the next one is due ${shortMoment(i.update_due)}` : ''}.`,
};

/** What a resolve asks besides, where somebody waits for news. */
export const lastUpdateField = (incident) => !nextUpdateDue(incident) ? [] : [{
    name: 'update', label: 'Last update for stakeholders', kind: 'area', most: MOST_LETTERS,
    help: `They wait for news by ${shortMoment(incident.update_due)}. Left empty, somebody owes it to them still.`,
}];

/** When stakeholders are to hear next; 0 where nobody waits. */
const nextUpdateDue = (incident) => (incident && incident.update_due) || 0;

/** Whether an update should have been written by now. */
export const isUpdateOverdue = (incident) => nextUpdateDue(incident) > 0 && nextUpdateDue(incident) < now();

/** How long it is until the next update, or how late that is. */
export function updateClock(incident) {
    const due = nextUpdateDue(incident);
    if (!due) return null;
    const [state, text] = isUpdateOverdue(incident) ? ['breached', `update overdue by ${span(now() - due)}`] : ['none', `update in ${span(due - now())}`];
    return [' · ', h('span', { class: `wb-sla wb-sla-${state}`, title: `Stakeholders wait for news by ${fullMoment(due)}` }, text)];
}

/** Facts of an incident: how what was told last begins (the timeline has all of it), and when the next is due. */
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

/** Updates, who hears of them, and a draft; where they can't be read now, an empty one. */
async function read(id) {
    try {
        return (await get(`incidents/${encodeURIComponent(id)}/updates`)).body;
    } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { updates: [], stakeholders: null, draft: { text: '', state: '', services: [] } };
    }
}

function nextHelp(incident, { update_every: every }) {
    if (every && isOpen(incident)) return `Left empty, within ${span(every)}: they want to hear so often.`;
    return 'Left empty, none is promised. Who promises one is reminded of it.';
}

function recipientsLine({ stakeholders }) {
    if (!stakeholders) return 'Who is told could not be read.';
    if (!stakeholders.length) return 'No group of stakeholders is for this severity and team: it is told on the timeline, and to programs that subscribed. Groups are named under Configuration › Stakeholders.';
    return `Told to ${stakeholders.map(placesOf).join('; ')}.`;
}

function placesOf({ name, slack_channels: channels, mail_addresses: mails, teams }) {
    const places = [...channels, mails && `${mails} by e-mail`, teams && 'Teams'].filter(Boolean);
    return `${name} (${places.join(', ')})`;
}

function lastUpdateLine({ updates: [last] }) {
    return last && `Told last, ${moment(last.time)} by ${last.by}: ${beginning(last.text)}`;
}

function promiseLine({ next, by, state }) {
    if (state === 'resolved' && (next || by)) return 'It is told to be over: leave out when the next update comes.';
    if (next && by) return 'Name one of the two: in how long, or by when.';
    if (by && secondsOf(by, timeZone()) <= now()) return 'The next update is promised for a time that is past.';
    return (next || by) && 'They are told when they hear next. If nothing is written by then, the owner and the team are reminded.';
}
