/**
 * Messages that reached nobody, or perhaps nobody: those of incidents, and those of alerts that
 * opened none. Whoever has incident_admin sends them again.
 */

import { lacks } from './actions.js';
import { ApiError, get, isWithoutAnswer } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { moment, plural } from './format.js';
import { explainError, readFailure, showInDialog } from './forms.js';

const MOST = 100;
const ON_ITS_WAY = 'On its way again';

export class Undelivered {
    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'Messages that were not delivered', on: { click: () => this.show() } });
    }

    /** See how many there are, and say it on the button. There is none without, or without the right. */
    async refreshButton() {
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

    /** List them, to whoever may send them again. */
    async show() {
        const lacking = lacks(this.app.me.capabilities, 'incident_admin');
        if (lacking) {
            this.app.showToast(`${lacking} Whoever has it is shown the messages that were not delivered.`);
            return;
        }
        const body = h('div', {}, h('p', { class: 'wb-dim' }, 'Loading …'));
        showInDialog('Not delivered', body).addEventListener('close', () => this.refreshButton());
        try {
            const found = await read();
            this.#count(found);
            fill(body, listed(found));
        } catch (error) {
            fill(body, readFailure(error, 'Close this, and open it again.'));
        }
    }
}

/** The newest first; `more`: there are others. */
async function read() {
    const states = await Promise.all(['dead', 'unconfirmed'].map((state) => get('outbox', { state, limit: MOST })));
    const messages = states.flatMap(({ body }) => body.notifications).sort((a, b) => b.created_at - a.created_at);
    return { messages, more: states.some(({ body }) => body.more) };
}

function listed({ messages, more }) {
    if (!messages.length) return [h('p', { class: 'wb-dim' }, 'All messages were delivered.')];
    const status = h('p', { class: 'wb-dim', role: 'status' });
    let count = 0;
    const sent = () => {
        count += 1;
        fill(status, `${plural(count, 'message')} on the way again. What fails once more is listed here again.`);
    };
    const rows = new Map(messages.map((one) => [one, sendAgain({ message: one.id, outcome: one.state, sent })]));
    // One that may have arrived is looked for first, each by itself.
    const dead = messages.filter((one) => one.state === 'dead').map((one) => rows.get(one));
    return [
        dead.length > 1 && h('div', { class: 'wb-actions' }, sendAll(dead.reverse())), // the oldest first, as they were told
        status,
        h('ul', {}, messages.map((one) => h('li', { class: 'wb-undelivered' }, h('div', {},
            h('div', { class: 'wb-entry-title' }, one.title),
            h('div', { class: 'wb-dim' }, [one.channel, one.event.replaceAll('_', ' '), moment(one.created_at), one.incident_id || 'of no incident'].join(' · ')),
            h('div', { class: 'wb-entry-text' }, one.last_error),
            rows.get(one).element)))),
        more && h('p', { class: 'wb-dim' }, 'There are more; these are the newest.'),
    ];
}

/** Sends one after the other. Where nothing answers, the others are not tried: they would wait as long. */
function sendAll(rows) {
    const send = async () => {
        if (button.getAttribute('aria-disabled')) return;
        button.setAttribute('aria-disabled', 'true');
        const failures = [];
        for (const row of rows) {
            const failure = await row.send();
            if (failure) failures.push(failure);
            if (isWithoutAnswer(failure)) break;
        }
        if (failures.length) button.removeAttribute('aria-disabled');
    };
    const button = h('button', { type: 'button', class: 'wb-button', on: { click: send } }, `Send the ${rows.length} failed messages again`);
    return button;
}

/**
 * What sends a message again.
 * @param {{message: string, outcome: string, sent: function(): void, place?: string, isSent?: boolean}} about `sent` is
 *     called when it is; `isSent`: it was, from here
 * @returns {{element: Element, send: function(): Promise<ApiError|null>}} `send` answers what kept it back
 */
export function sendAgain({ message, outcome, sent, place = null, isSent = false }) {
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const send = async () => {
        if (button.getAttribute('aria-disabled')) return null;
        button.setAttribute('aria-disabled', 'true');
        fill(trouble);
        try {
            await new Change().send('POST', `outbox/${encodeURIComponent(message)}/retry`, {});
            button.textContent = ON_ITS_WAY;
            sent();
            return null;
        } catch (error) {
            button.removeAttribute('aria-disabled');
            fill(trouble, explainError(error)); // throws what no answer of the API is
            return error;
        }
    };
    const button = h('button', {
        type: 'button', class: 'wb-button wb-small', 'data-place': place, 'aria-disabled': isSent ? 'true' : null, on: { click: send },
    }, isSent ? ON_ITS_WAY : 'Send it again');
    const warning = outcome === 'unconfirmed' && h('span', { class: 'wb-dim' }, 'It may have arrived: look there first.');
    return { element: h('div', {}, h('div', { class: 'wb-row' }, button, warning), trouble), send };
}
