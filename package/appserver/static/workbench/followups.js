/**
 * Follow-ups: what is to be done after an incident, by whom and until when; those of all incidents, too.
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
// The list has those of before, too.
const LATELY = '30d';
const TWO_WEEKS = 14 * 86_400;
const STATES = [['open', 'Open'], ['done', 'Done'], ['dropped', 'Dropped']];
// Where a follow-up can have a ticket.
const TICKET_SYSTEMS = { servicenow: 'ServiceNow', jira: 'Jira' };

/** The open follow-ups of all incidents, one's own first, and how many reviews are due. */
export class FollowUps {
    #toCount = newest(read);
    #toList = newest(read);

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'What is to be done after incidents', on: { click: () => this.show() } });
    }

    /** See what is open: without anything there is nothing to show. */
    async refreshButton() {
        try {
            this.#count(await this.#toCount());
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list says what is wrong
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
            if (!found) return; // the next answer is shown
            this.#count(found);
            const mine = (one) => one.owner === this.app.me.name.toLowerCase();
            const part = (title, some) => some.length > 0 && h('section', { class: 'wb-part', 'aria-label': title }, h('h3', {}, title),
                h('ul', {}, some.map((one) => followUpRow(this.app, one, this.app.mayWrite, () => this.#fill(body, dialog), { listed: true }))));
            const review = () => {
                dialog.close();
                this.app.filter({ ...DEFAULTS, status: 'review_due', opened: LATELY });
            };
            fill(body, found.due && h('p', { class: 'wb-row' }, `${found.due} of the last 30 days to be reviewed.`, h('button', { type: 'button', class: 'wb-button wb-small', on: { click: review } }, 'Show')),
                part('Yours', found.follow_ups.filter(mine)), part('Of others', found.follow_ups.filter((one) => !mine(one))),
                !found.follow_ups.length && h('p', { class: 'wb-dim' }, 'No follow-up is open.'),
                found.more && h('p', { class: 'wb-dim' }, `There are more than these ${MOST}.`));
        } catch (error) {
            fill(body, readFailure(error, 'Close this, and open it again.'));
        }
        if (within) dialog.querySelector('h2').focus(); // what was pressed is gone with its row
    }
}

async function read() {
    const query = queryOf({ ...DEFAULTS, status: 'review_due', opened: LATELY }, '');
    const [{ body }, { body: { incidents, more } }] = await Promise.all([
        get('follow-ups', { state: 'open', limit: MOST }), get('incidents', { ...query, limit: MOST, fields: 'id' })]);
    return { ...body, due: incidents.length && (more ? `More than ${plural(MOST, 'incident')}` : plural(incidents.length, 'incident')) };
}

/** @returns {Promise<string[]>} the systems that are set up, of those where a follow-up can have a ticket; none when that can't be read */
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
 * One follow-up, with what can be done to it.
 * @param {import('./main.js').Workbench} app
 * @param {Object<string, any>} one as `GET /follow-ups` has it
 * @param {boolean} mayWrite
 * @param {function(): void} changed
 * @param {{listed?: boolean, systems?: string[]}} [where] listed among those of other incidents, it names its own, and is changed there;
 *   else the systems in which it can have a ticket
 */
export function followUpRow(app, one, mayWrite, changed, { listed = false, systems = [] } = {}) {
    const open = one.state === 'open';
    const late = open && one.due <= now();
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const says = [`Owner: ${one.owner}`, `due ${shortMoment(one.due)}`, !open && `${one.state} by ${one.by}, ${moment(one.at)}`, one.reason].filter(Boolean).join(' · ');
    const act = (label, place, body, path, said) => h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `${place}-${one.id}`, on: { click: ({ currentTarget }) => send(app, path ?? pathOf(one), body, said ?? `${one.id} is ${body.state}: ${one.title}`, currentTarget, trouble, changed) } }, label);
    const tickets = one.tickets ?? [];
    const without = open ? systems.filter((channel) => !tickets.some((ticket) => ticket.channel === channel && ['wanted', 'made'].includes(ticket.state))) : [];
    const make = (channel) => act(`Create a ticket in ${TICKET_SYSTEMS[channel]}`, `ticket-${channel}`, { channel }, `${pathOf(one)}/ticket`, `${one.id} is getting a ticket in ${TICKET_SYSTEMS[channel]}.`);
    return h('li', { class: 'wb-suppression', 'data-follow-up': one.id },
        h('div', {},
            h('div', { class: 'wb-row' }, h('span', { class: 'wb-entry-title' }, one.title), late && h('span', { class: 'wb-tag wb-tag-bad' }, 'overdue')),
            h('div', { class: 'wb-dim' }, says),
            tickets.map(ticketLine),
            mayWrite && without.length > 0 && h('div', { class: 'wb-row' }, without.map(make)),
            listed && h('div', {}, h('a', { href: addressOf(app.wanted, one.incident_id, 'review') }, `${one.incident_id} ${one.incident_title}`)),
            trouble),
        mayWrite && h('div', { class: 'wb-row' },
            open ? act('Done', 'done', { state: 'done' }) : act('Open again', 'open', { state: 'open' }),
            open && !listed && h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `change-${one.id}`, on: { click: () => edit(app, one, changed) } }, 'Change …')));
}

/** What became of a ticket; its key leads there. */
function ticketLine(ticket) {
    const service = TICKET_SYSTEMS[ticket.channel] ?? ticket.channel;
    const there = ticket.there && ` · ${ticket.there}`;
    if (ticket.state === 'made') {
        return h('div', { 'data-ticket': ticket.channel }, `${service}: `, h('a', { href: ticket.url, target: '_blank', rel: 'noopener noreferrer' }, ticket.number), there);
    }
    const says = { wanted: 'a ticket is being made.', gone: `${ticket.number} was deleted there.`, failed: `no ticket could be made. ${ticket.reason}` }[ticket.state];
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
 * How a form ends a follow-up or a task.
 * @param {Object<string, string>} before its fields as they are, `state` among them
 */
export const closingFields = (before) => ({
    fields: [
        { name: 'state', label: 'State', kind: 'select', options: STATES, value: before.state },
        { name: 'reason', label: 'Why it is done or dropped', kind: 'area', most: MOST_LETTERS },
    ],
    effects: ({ state, reason }) => [
        state === 'dropped' && state !== before.state && !reason && 'What is dropped needs a reason.',
        reason && state === before.state && 'The reason is kept only where the state is changed, too.',
    ].filter(Boolean),
    /** What was changed, and why. */
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
        title: `Change ${one.id}`, about: one.title, submit: 'Change it',
        fields: [...fieldsOf(before, people), ...end.fields],
        effects: end.effects,
        act: async (values) => {
            await sent.send('POST', pathOf(one), withDueTime(end.news(values)));
            app.showToast(`${one.id} is changed.`);
            changed();
        },
    });
}

/**
 * Ask what is to be done after an incident.
 * @param {import('./detail.js').Detail} detail
 */
export async function addFollowUp(detail) {
    const { app, seen } = detail;
    const { incident } = seen;
    const sent = new Change(seen, app.me.name);
    const { people } = await app.choices();
    if (detail.id !== incident.id) return; // somebody went on to another while this was read
    ask({
        title: `Follow-up of ${incident.id}`, about: incident.title, submit: 'Add it', draft: `follow-up/${incident.id}`,
        fields: fieldsOf({ title: '', owner: app.me.name, due: dayOf(now() + TWO_WEEKS) }, people),
        effects: ({ owner, due }) => owner && due ? [`${owner} is reminded when it is overdue.`] : [],
        act: async (values) => {
            try {
                const { body } = await sent.send('POST', `incidents/${encodeURIComponent(incident.id)}/follow-ups`, withDueTime(values));
                app.showToast(`${plural(body.follow_ups_open, 'follow-up')} of ${incident.id} to be done.`);
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
        { name: 'title', label: 'What is to be done', required: true, value: title },
        { name: 'owner', label: 'Owner', required: true, value: owner, suggestions: people.map((name) => [name, '']) },
        { name: 'due', label: 'Due', kind: 'date', required: true, value: due, help: `By the end of that day (${timeZone()}).` },
    ];
}

const pathOf = (one) => `incidents/${encodeURIComponent(one.incident_id)}/follow-ups/${encodeURIComponent(one.id)}`;

/** With the day as a time: its last minute. */
function withDueTime({ due, ...others }) {
    return due ? { ...others, due: secondsOf(`${due}T23:59`, timeZone()), due_day: due } : others;
}

/** The day of a moment as a form's field has it. */
function dayOf(seconds) {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: timeZone(), year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(new Date(seconds * 1000));
    const { year, month, day } = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
    return `${year}-${month}-${day}`;
}
