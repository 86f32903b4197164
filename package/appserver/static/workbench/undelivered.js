/**
 * Messages that reached nobody, or perhaps nobody: those of incidents, and those of alerts that
 * opened none. Whoever has incident_admin sends them again.
 */

import { ApiError, get } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { explained } from './forms.js';
import { lacks } from './moves.js';
import { many, moment } from './words.js';

const MOST = 100;
const ON_ITS_WAY = 'On its way again';

export class Undelivered {
    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'Messages that were not delivered', on: { click: () => this.#show() } });
    }

    /** See how many there are, and say it on the button. There is none without, or without the right. */
    async look() {
        if (lacks(this.app.me.capabilities, 'incident_admin')) return;
        try {
            this.#count(await read());
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list says what is wrong
        }
    }

    #count({ messages, more }) {
        this.button.hidden = !messages.length;
        fill(this.button, 'Not delivered ', h('span', { class: 'wb-count' }, `${messages.length}${more ? '+' : ''}`));
    }

    async #show() {
        const body = h('div', {}, h('p', { class: 'wb-dim' }, 'Loading …'));
        const dialog = h('dialog', { class: 'wb-dialog', 'aria-label': 'Not delivered', on: { close: () => { dialog.remove(); this.look(); } } },
            h('h2', {}, 'Not delivered'), body,
            h('div', { class: 'wb-row wb-end' }, h('button', { type: 'button', class: 'wb-button', on: { click: () => dialog.close() } }, 'Close')));
        document.querySelector('.workbench').append(dialog);
        dialog.showModal();
        try {
            const found = await read();
            this.#count(found);
            fill(body, listed(found, this.app));
        } catch (error) {
            fill(body, explained(error));
        }
    }
}

/** The newest first; `more`: there are others. */
async function read() {
    const states = await Promise.all(['dead', 'unconfirmed'].map((state) => get('outbox', { state, limit: MOST })));
    const messages = states.flatMap(({ body }) => body.notifications).sort((a, b) => b.created_at - a.created_at);
    return { messages, more: states.some(({ body }) => body.more) };
}

function listed({ messages, more }, app) {
    if (!messages.length) return [h('p', { class: 'wb-dim' }, 'All messages were delivered.')];
    // One that may have arrived is looked for first, each by itself.
    const dead = messages.filter((one) => one.state === 'dead');
    const rows = new Map(messages.map((one) => [one, sendAgain({ message: one.id, outcome: one.state, app })]));
    const all = dead.length > 1 && h('button', {
        type: 'button', class: 'wb-button',
        on: { click: async ({ currentTarget }) => {
            currentTarget.setAttribute('aria-disabled', 'true');
            // The oldest first, as they were told.
            for (const one of [...dead].reverse()) await rows.get(one).send();
        } },
    }, `Send the ${many(dead.length, 'failed message')} again`);
    return [
        all && h('div', { class: 'wb-actions' }, all),
        h('ul', {}, messages.map((one) => h('li', { class: 'wb-undelivered' }, h('div', {},
            h('div', { class: 'wb-entry-title' }, one.title),
            h('div', { class: 'wb-dim' }, [one.channel, one.event.replaceAll('_', ' '), moment(one.created_at), one.incident_id || 'of no incident'].join(' · ')),
            h('div', { class: 'wb-entry-text' }, one.last_error),
            rows.get(one).element)))),
        more && h('p', { class: 'wb-dim' }, 'There are more; these are the newest.'),
    ];
}

/**
 * What sends a message again.
 * @param {{message: string, outcome: string, app: import('./main.js').Workbench, place?: string, isSent?: boolean, sent?: function(): void}} about
 *     `isSent`: it was, from here; `sent` is called when it is
 * @returns {{element: Element, send: function(): Promise<void>}}
 */
export function sendAgain({ message, outcome, app, place = null, isSent = false, sent = () => undefined }) {
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const button = h('button', {
        type: 'button', class: 'wb-button wb-small', 'data-place': place, 'aria-disabled': isSent ? 'true' : null, on: { click: () => send() },
    }, isSent ? ON_ITS_WAY : 'Send it again');
    const send = async () => {
        if (button.getAttribute('aria-disabled')) return;
        button.setAttribute('aria-disabled', 'true');
        fill(trouble);
        try {
            await new Change().send('POST', `outbox/${encodeURIComponent(message)}/retry`, {});
            sent();
            app.say('It is sent again. How that ends is told on the timeline.');
            button.textContent = ON_ITS_WAY;
        } catch (error) {
            button.removeAttribute('aria-disabled');
            fill(trouble, explained(error));
        }
    };
    const warning = outcome === 'unconfirmed' && h('span', { class: 'wb-dim' }, 'It may have arrived: look there first.');
    return { element: h('div', {}, h('div', { class: 'wb-row' }, button, warning), trouble), send };
}
