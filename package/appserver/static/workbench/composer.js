/**
 * The place to write a note. What is typed is kept for each incident, also over a reload of the page.
 */

import { Change, Conflict } from './change.js';
import { fill, h } from './dom.js';
import { explained } from './forms.js';

const STORED = 'incident_management.note.';

export class Composer {
    #id = '';
    #change = null;

    /** @param {import('./detail.js').Detail} detail */
    constructor(detail) {
        this.detail = detail;
        this.input = h('textarea', {
            class: 'wb-note', rows: 2, maxlength: 10_000, placeholder: 'Write a note for everybody …', 'aria-label': 'Note', 'data-place': 'note',
            on: { input: () => this.#keep(), keydown: (event) => this.#keys(event) },
        });
        this.button = h('button', { type: 'submit', class: 'wb-button' }, 'Add note');
        this.trouble = h('div', { class: 'wb-trouble', role: 'alert' });
        this.element = h('form', { class: 'wb-composer', on: { submit: (event) => this.#send(event) } }, this.input, this.button, this.trouble);
    }

    /** Begin with what was typed for this incident before. */
    open(id) {
        this.#id = id;
        this.#change = null;
        fill(this.trouble);
        this.input.value = sessionStorage.getItem(STORED + id) ?? '';
    }

    focus() {
        this.input.focus();
    }

    #keep() {
        if (this.input.value) sessionStorage.setItem(STORED + this.#id, this.input.value);
        else sessionStorage.removeItem(STORED + this.#id);
    }

    #keys(event) {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.element.requestSubmit();
    }

    async #send(event) {
        event.preventDefault();
        const text = this.input.value.trim();
        if (!text || this.button.getAttribute('aria-disabled')) return;
        const id = this.#id;
        this.#change ??= new Change(undefined, this.detail.app.me.name);
        this.#change.seen = this.detail.seen; // the key stays the same until there is an answer
        this.button.setAttribute('aria-disabled', 'true'); // a disabled one would lose the focus
        fill(this.trouble);
        try {
            await this.#change.send('POST', `incidents/${encodeURIComponent(id)}/notes`, { text });
            sessionStorage.removeItem(STORED + id);
            if (id === this.#id) {
                this.input.value = '';
                this.#change = null;
            }
            this.detail.app.say('The note is on the timeline.');
            this.detail.app.changed(id);
        } catch (error) {
            if (error instanceof Conflict) this.detail.take(error.seen);
            if (id === this.#id) fill(this.trouble, explained(error));
        } finally {
            this.button.removeAttribute('aria-disabled');
        }
    }
}
