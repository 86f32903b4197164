/**
 * Messages that were not delivered, or whose delivery is unconfirmed: those of incidents, and those of alerts that
 * opened none. Users with incident_admin can resend them.
 */

import { lacks } from './actions.js';
import { ApiError, get, isWithoutAnswer } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { moment, plural } from './format.js';
import { explainError, readFailure, showInDialog } from './forms.js';

const MOST = 100;
const RESENDING = 'Resending';

export class Undelivered {
    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'Messages that were not delivered', on: { click: () => this.show() } });
    }

    /** Count them on the button, which is hidden without any, or without the capability. */
    async refreshButton() {
        if (lacks(this.app.me.capabilities, 'incident_admin')) return;
        try {
            this.#count(await read());
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list shows the error
        }
    }

    #count({ messages, more }) {
        this.button.hidden = !messages.length;
        fill(this.button, 'Not delivered ', h('span', { class: 'wb-count' }, `${messages.length}${more ? '+' : ''}`));
    }

    /** List them, if the user may resend them. */
    async show() {
        const lacking = lacks(this.app.me.capabilities, 'incident_admin');
        if (lacking) {
            this.app.showToast(`${lacking} It is required to see undelivered messages.`);
            return;
        }
        const body = h('div', {}, h('p', { class: 'wb-dim' }, 'Loading …'));
        showInDialog('Not delivered', body).addEventListener('close', () => this.refreshButton());
        try {
            const found = await read();
            this.#count(found);
            fill(body, listed(found));
        } catch (error) {
            fill(body, readFailure(error, 'Close this dialog and open it again.'));
        }
    }
}

/** Read them, newest first; `more`: there are others. */
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
        fill(status, `Resending ${plural(count, 'message')}. If delivery fails again, the message returns to this list.`);
    };
    const rows = new Map(messages.map((one) => [one, resendButton({ message: one.id, outcome: one.state, sent })]));
    // Unconfirmed messages are not resent in bulk: each must be looked for in its channel first.
    const dead = messages.filter((one) => one.state === 'dead').map((one) => rows.get(one));
    return [
        dead.length > 1 && h('div', { class: 'wb-actions' }, resendAllButton(dead.reverse())), // the oldest first, in the order of events
        status,
        h('ul', {}, messages.map((one) => h('li', { class: 'wb-undelivered' }, h('div', {},
            h('div', { class: 'wb-entry-title' }, one.title),
            h('div', { class: 'wb-dim' }, [one.channel, one.event.replaceAll('_', ' '), moment(one.created_at), one.incident_id || 'no incident'].join(' · ')),
            h('div', { class: 'wb-entry-text' }, one.last_error),
            rows.get(one).element)))),
        more && h('p', { class: 'wb-dim' }, 'Only the newest are shown.'),
    ];
}

/** A button that resends several messages one after another. If nothing answers, it stops: the others would time out, too. */
function resendAllButton(rows) {
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
    const button = h('button', { type: 'button', class: 'wb-button', on: { click: send } }, `Resend ${rows.length} failed messages`);
    return button;
}

/**
 * A button that resends a message.
 * @param {{message: string, outcome: string, sent: function(): void, place?: string, isSent?: boolean}} about `sent` is
 *     called after a resend; `isSent`: it was already resent from here
 * @returns {{element: Element, send: function(): Promise<ApiError|null>}} `send` returns the error, if any
 */
export function resendButton({ message, outcome, sent, place = null, isSent = false }) {
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const send = async () => {
        if (button.getAttribute('aria-disabled')) return null;
        button.setAttribute('aria-disabled', 'true');
        fill(trouble);
        try {
            await new Change().send('POST', `outbox/${encodeURIComponent(message)}/retry`, {});
            button.textContent = RESENDING;
            sent();
            return null;
        } catch (error) {
            button.removeAttribute('aria-disabled');
            fill(trouble, explainError(error)); // rethrows anything but an ApiError
            return error;
        }
    };
    const button = h('button', {
        type: 'button', class: 'wb-button wb-small', 'data-place': place, 'aria-disabled': isSent ? 'true' : null, on: { click: send },
    }, isSent ? RESENDING : 'Resend message');
    const warning = outcome === 'unconfirmed' && h('span', { class: 'wb-dim' }, 'This message may have been delivered. Check the channel before you resend it.');
    return { element: h('div', {}, h('div', { class: 'wb-row' }, button, warning), trouble), send };
}
