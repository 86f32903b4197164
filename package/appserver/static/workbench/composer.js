/**
 * The form that adds a note. Its text is kept per incident, also over a reload of the page.
 */

import { Change, Conflict } from './change.js';
import { fill, h } from './dom.js';
import { explainError } from './forms.js';
import { readStored, writeStored } from './storage.js';

const STORED = 'incident_management.note.';

export class Composer {
    #id = '';
    // By incident: changes to retry under the same Idempotency-Key, and the ids of those being sent.
    #changes = new Map();
    #sending = new Set();

    /** @param {import('./detail.js').Detail} detail */
    constructor(detail) {
        this.detail = detail;
        this.input = h('textarea', {
            class: 'wb-note', rows: 2, maxlength: 10_000, placeholder: 'Write a note …', 'aria-label': 'Note', 'data-place': 'note',
            on: { input: () => this.#keep(), keydown: (event) => this.#keys(event) },
        });
        this.button = h('button', { type: 'submit', class: 'wb-button' }, 'Add note');
        this.trouble = h('div', { class: 'wb-trouble', role: 'alert' });
        this.element = h('form', { class: 'wb-composer', on: { submit: (event) => this.#send(event) } }, this.input, this.button, this.trouble);
    }

    /** Fill in the incident's draft. */
    open(id) {
        this.#id = id;
        fill(this.trouble);
        this.input.value = readStored('sessionStorage', STORED + id);
        this.#showSending();
    }

    focus() {
        this.input.focus();
    }

    #keep() {
        writeStored('sessionStorage', STORED + this.#id, this.input.value);
    }

    #showSending() {
        // A disabled button would lose the focus.
        if (this.#sending.has(this.#id)) this.button.setAttribute('aria-disabled', 'true');
        else this.button.removeAttribute('aria-disabled');
    }

    #keys(event) {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.element.requestSubmit();
    }

    async #send(event) {
        event.preventDefault();
        const id = this.#id;
        const typed = this.input.value;
        const text = typed.trim();
        if (!text || this.#sending.has(id)) return;
        const change = this.#changes.get(id) ?? new Change(undefined, this.detail.app.me.name);
        change.seen = this.detail.seen;
        this.#changes.set(id, change);
        this.#sending.add(id);
        this.#showSending();
        fill(this.trouble);
        try {
            await change.send('POST', `incidents/${encodeURIComponent(id)}/notes`, { text });
            this.#changes.delete(id);
            this.#removeSent(id, typed);
            this.detail.app.showToast('Note added.');
            this.detail.app.changed(id);
        } catch (error) {
            if (error instanceof Conflict) this.detail.update(error.seen);
            if (id === this.#id) fill(this.trouble, explainError(error));
            else this.detail.app.showToast(`The note on ${id} was not added. Its text is kept there. ${error.message}`, true);
        } finally {
            this.#sending.delete(id);
            this.#showSending();
        }
    }

    /** Remove the sent text from the draft; what was typed since then stays. */
    #removeSent(id, typed) {
        const shown = id === this.#id;
        const now = shown ? this.input.value : readStored('sessionStorage', STORED + id);
        const rest = now.startsWith(typed) ? now.slice(typed.length).trimStart() : now;
        writeStored('sessionStorage', STORED + id, rest);
        if (shown) this.input.value = rest;
    }
}
