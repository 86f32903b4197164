/**
 * Short messages: the result of an action, or why it failed.
 */

import { fill, h } from './dom.js';

const SHOWN_MS = 8000;

export class Toast {
    #timer = 0;

    constructor() {
        this.element = h('div', { class: 'wb-toast', hidden: true });
    }

    /**
     * Show a message.
     * @param {any} what as for {@link fill}
     * @param {boolean} stays keep it until the user hides it
     */
    show(what, stays) {
        clearTimeout(this.#timer);
        const hide = () => { this.element.hidden = true; };
        fill(this.element, what, h('button', { type: 'button', class: 'wb-quiet', 'aria-label': 'Hide', on: { click: hide } }, '×'));
        this.element.hidden = false;
        if (!stays) this.#timer = setTimeout(hide, SHOWN_MS);
    }
}
