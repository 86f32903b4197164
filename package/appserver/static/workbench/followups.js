/**
 * Follow-ups: work after an incident with an owner and a due date; of one incident and of all.
 */

import { addressOf, DEFAULTS, queryOf } from './address.js';
import { ApiError, get, newest } from './api.js';
import { Change, Conflict } from './change.js';
import { fill, h } from './dom.js';
import { moment, now, plural, shortMoment, timeZone } from './format.js';
import { ask, readFailure, runOnce, showInDialog } from './forms.js';
import { secondsOf } from './zones.js';

const MOST = 200;
const MOST_LETTERS = 1000;
// Reviews that came due in this time are counted.
const LATELY = '30d';
const TWO_WEEKS = 14 * 86_400;
const STATES = [['open', 'Open'], ['done', 'Done'], ['dropped', 'Dropped']];
// The systems in which a follow-up can have a ticket.
const TICKET_SYSTEMS = { servicenow: 'ServiceNow', jira: 'Jira' };

/** The open follow-ups of all incidents, the user's own first, and how many reviews are due. */
export class FollowUps {
    #toCount = newest(read);
    #toList = newest(read);

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'Open follow-ups of all incidents (f)', on: { click: () => this.show() } });
    }

    /** Read the open follow-ups, and show the button if there are any. */
    async refreshButton() {
        try {
            this.#count(await this.#toCount());
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list shows the error
        }
    }

    #count(found) {
        if (!found) return;
        const { follow_ups: all, due } = found;
        const late = all.filter((one) => one.overdue).length;
        this.button.hidden = !all.length && !due;
        fill(this.button, 'Follow-ups', late > 0 && [' ', h('span', { class: 'wb-count', title: 'overdue' }, late)]);
    }

    /** List them. */
    async show() {
        if (document.querySelector('dialog[open]')) return;
        const body = h('div', {}, h('p', { class: 'wb-dim' }, 'Loading …'));
        await this.#fill(body, showInDialog('Follow-ups', body));
    }

    async #fill(body, dialog) {
        const within = body.contains(document.activeElement);
        try {
            const found = await this.#toList();
            if (!found) return; // a newer request will fill it
            this.#count(found);
            const mine = (one) => one.owner === this.app.me.name.toLowerCase();
            const part = (title, some) => some.length > 0 && h('section', { class: 'wb-part', 'aria-label': title }, h('h3', {}, title),
                h('ul', {}, some.map((one) => followUpRow(this.app, one, this.app.mayWrite, () => this.#fill(body, dialog), { listed: true }))));
            const review = () => {
                dialog.close();
                this.app.filter({ ...DEFAULTS, status: 'review_due', opened: LATELY });
            };
            fill(body, found.due && h('p', { class: 'wb-row' }, `${found.due} of the last 30 days due for review.`, h('button', { type: 'button', class: 'wb-button wb-small', on: { click: review } }, 'Show')),
                part('Assigned to you', found.follow_ups.filter(mine)), part('Assigned to others', found.follow_ups.filter((one) => !mine(one))),
                !found.follow_ups.length && h('p', { class: 'wb-dim' }, 'No open follow-ups.'),
                found.more && h('p', { class: 'wb-dim' }, `Only the first ${MOST} are shown.`));
        } catch (error) {
            fill(body, readFailure(error, 'Close this dialog and open it again.'));
        }
        if (within) dialog.querySelector('h2').focus(); // the pressed button is gone with its row
    }
}

async function read() {
    const query = queryOf({ ...DEFAULTS, status: 'review_due', opened: LATELY }, '');
    const [{ body }, { body: { incidents, more } }] = await Promise.all([
        get('follow-ups', { state: 'open', limit: MOST }), get('incidents', { ...query, limit: MOST, fields: 'id' })]);
    return { ...body, due: incidents.length && (more ? `More than ${plural(MOST, 'incident')}` : plural(incidents.length, 'incident')) };
}

/** @returns {Promise<string[]>} the ticket systems that are set up; none if they can't be read */
export async function ticketSystems() {
    try {
        const { body: { channels } } = await get('system/info');
        return Object.keys(TICKET_SYSTEMS).filter((channel) => channels[channel]);
    } catch (error) {
        if (error instanceof ApiError) return [];
        throw error;
    }
}

/**
 * A row of one follow-up, with its buttons.
 * @param {import('./main.js').Workbench} app
 * @param {Object<string, any>} one as `GET /follow-ups` has it
 * @param {boolean} mayWrite
 * @param {function(): void} changed
 * @param {{listed?: boolean, systems?: string[]}} [where] `listed`: in the list of all incidents, so that the row links
 *     to its own, where it is edited; `systems`: the ticket systems offered
 */
export function followUpRow(app, one, mayWrite, changed, { listed = false, systems = [] } = {}) {
    const open = one.state === 'open';
    const late = open && one.due <= now();
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const says = [`Owner: ${one.owner}`, `due ${shortMoment(one.due)}`, !open && `${one.state} by ${one.by}, ${moment(one.at)}`, one.reason].filter(Boolean).join(' · ');
    const act = (label, place, body, path, said) => h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `${place}-${one.id}`, on: { click: ({ currentTarget }) => send(app, path ?? pathOf(one), body, said ?? `${one.id} ${body.state === 'open' ? 'reopened' : body.state}: ${one.title}`, currentTarget, trouble, changed) } }, label);
    const tickets = one.tickets ?? [];
    const without = open ? systems.filter((channel) => !tickets.some((ticket) => ticket.channel === channel && ['wanted', 'made'].includes(ticket.state))) : [];
    const make = (channel) => act(`Create ticket in ${TICKET_SYSTEMS[channel]}`, `ticket-${channel}`, { channel }, `${pathOf(one)}/ticket`, `Creating a ${TICKET_SYSTEMS[channel]} ticket for ${one.id}.`);
    return h('li', { class: 'wb-suppression', 'data-follow-up': one.id },
        h('div', {},
            h('div', { class: 'wb-row' }, h('span', { class: 'wb-entry-title' }, one.title), late && h('span', { class: 'wb-tag wb-tag-bad' }, 'overdue')),
            h('div', { class: 'wb-dim' }, says),
            tickets.map(ticketLine),
            mayWrite && without.length > 0 && h('div', { class: 'wb-row' }, without.map(make)),
            listed && h('div', {}, h('a', { href: addressOf(app.wanted, one.incident_id, 'review') }, `${one.incident_id} ${one.incident_title}`)),
            trouble),
        mayWrite && h('div', { class: 'wb-row' },
            open ? act('Mark as done', 'done', { state: 'done' }) : act('Reopen', 'open', { state: 'open' }),
            open && !listed && h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `change-${one.id}`, on: { click: () => edit(app, one, changed) } }, 'Edit …')));
}

/** The state of a ticket; its key is a link to it. */
function ticketLine(ticket) {
    const service = TICKET_SYSTEMS[ticket.channel] ?? ticket.channel;
    const there = ticket.there && ` · ${ticket.there}`;
    if (ticket.state === 'made') {
        return h('div', { 'data-ticket': ticket.channel }, `${service}: `, h('a', { href: ticket.url, target: '_blank', rel: 'noopener noreferrer' }, ticket.number), there);
    }
    const says = { wanted: 'creating a ticket.', gone: `ticket ${ticket.number} was deleted there.`, failed: `the ticket could not be created. ${ticket.reason}` }[ticket.state];
    return h('div', { 'data-ticket': ticket.channel, class: 'wb-dim' }, `${service}: ${says}`);
}

function send(app, path, body, said, button, trouble, changed) {
    return runOnce(button, trouble, async () => {
        await new Change().send('POST', path, body);
        app.showToast(said);
        changed();
    });
}

/**
 * The form fields that change the state of a follow-up or task.
 * @param {Object<string, string>} before its fields as they are, `state` among them
 */
export const closingFields = (before) => ({
    fields: [
        { name: 'state', label: 'State', kind: 'select', options: STATES, value: before.state },
        { name: 'reason', label: 'Reason', kind: 'area', most: MOST_LETTERS },
    ],
    effects: ({ state, reason }) => [
        state === 'dropped' && state !== before.state && !reason && 'Enter a reason for dropping this.',
        reason && state === before.state && 'The reason is only saved if you change the state.',
    ].filter(Boolean),
    /** The changed values, and the reason. */
    news: ({ reason, ...values }) => {
        const news = Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== before[name]));
        return { ...news, ...((news.state || reason) && { reason }) };
    },
});

async function edit(app, one, changed) {
    const sent = new Change();
    const { people } = await app.choices();
    const before = { title: one.title, owner: one.owner, due: dayOf(one.due), state: one.state };
    const end = closingFields(before);
    ask({
        title: `Edit ${one.id}`, about: one.title, submit: 'Save',
        fields: [...fieldsOf(before, people), ...end.fields],
        effects: end.effects,
        act: async (values) => {
            await sent.send('POST', pathOf(one), withDueTime(end.news(values)));
            app.showToast(`${one.id} updated.`);
            changed();
        },
    });
}

/**
 * Show the form that adds a follow-up to an incident.
 * @param {import('./detail.js').Detail} detail
 */
export async function addFollowUp(detail) {
    const { app, seen } = detail;
    const { incident } = seen;
    const sent = new Change(seen, app.me.name);
    const { people } = await app.choices();
    if (detail.id !== incident.id) return; // the user opened another incident while this was read
    ask({
        title: `Follow-up of ${incident.id}`, about: incident.title, submit: 'Add follow-up', draft: `follow-up/${incident.id}`,
        fields: fieldsOf({ title: '', owner: app.me.name, due: dayOf(now() + TWO_WEEKS) }, people),
        effects: ({ owner, due }) => owner && due ? [`${owner} is reminded when it is overdue.`] : [],
        act: async (values) => {
            try {
                const { body } = await sent.send('POST', `incidents/${encodeURIComponent(incident.id)}/follow-ups`, withDueTime(values));
                app.showToast(`Follow-up added. ${incident.id} has ${plural(body.follow_ups_open, 'open follow-up')}.`);
            } catch (error) {
                if (error instanceof Conflict) detail.update(error.seen);
                throw error;
            }
            app.followUps.refreshButton();
            app.changed(incident.id);
        },
    });
}

function fieldsOf({ title, owner, due }, people) {
    return [
        { name: 'title', label: 'Title', required: true, value: title },
        { name: 'owner', label: 'Owner', required: true, value: owner, suggestions: people.map((name) => [name, '']) },
        { name: 'due', label: 'Due', kind: 'date', required: true, value: due, help: `End of that day (${timeZone()}).` },
    ];
}

const pathOf = (one) => `incidents/${encodeURIComponent(one.incident_id)}/follow-ups/${encodeURIComponent(one.id)}`;

/** Replace the due day by its last minute. */
function withDueTime({ due, ...others }) {
    return due ? { ...others, due: secondsOf(`${due}T23:59`, timeZone()), due_day: due } : others;
}

/** Format a moment as the value of a date input. */
function dayOf(seconds) {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: timeZone(), year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(new Date(seconds * 1000));
    const { year, month, day } = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
    return `${year}-${month}-${day}`;
}
