/**
 * The first steps of an installation, as the app finds them to be: for whoever administers it, where
 * no incident is shown.
 */

import { lacks } from './actions.js';
import { get } from './api.js';
import { fill, h } from './dom.js';
import { now } from './format.js';
import { readFailure, RETRY_NOTE } from './forms.js';
import { openTestIncidentForm } from './newincident.js';
import { Poller } from './poller.js';
import { readStored, writeStored } from './storage.js';

// Each look runs two searches: seldom where a page stays open, and not for each way back to the list.
const LOOK_SECONDS = 120;
const FRESH_SECONDS = 15;
const FOLDED = 'incident_management.first_steps_folded';
const STATES = { done: ['✓', 'done'], todo: ['○', 'to do'], unknown: ['?', 'not known'] };
// Whom metadata/default.meta lets see the pages that steps are taken on.
const ADMINISTRATORS = ['admin', 'sc_admin'];
// Where a step is taken: a page of this app, beside this one. With a tab in the address (?tab=network) UCC 6.6.0
// goes back to that tab whenever another is chosen, so the label alone names it.
const PLACES = {
    worker: ['inputs', 'Inputs'],
    detections: ['detections', 'Detections'],
    channels: ['configuration', 'Configuration'],
    message: ['configuration', 'Configuration'], // what was refused says the tab
    links: ['configuration', 'Configuration › Network'],
    teams: ['configuration', 'Configuration › Response teams'],
};

export class FirstSteps {
    #poller;
    #isAdministrator;
    #body = h('div', {});
    #count = h('span', { class: 'wb-count' });
    #isDone = false;
    #lookedAt = 0;

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.#isAdministrator = app.me.roles.some((role) => ADMINISTRATORS.includes(role));
        this.element = h('details', { class: 'wb-steps', hidden: Boolean(lacks(app.me.capabilities, 'incident_admin')), open: !readStored('localStorage', FOLDED), on: { toggle: () => this.#toggled() } },
            h('summary', {}, 'First steps', this.#count), this.#body);
        this.#poller = new Poller(LOOK_SECONDS, () => this.#look());
    }

    /** It is shown: look, and go on to look while something is to be done. */
    shown() {
        if (!this.element.hidden && this.element.open && now() - this.#lookedAt > FRESH_SECONDS) this.#poller.now();
    }

    #toggled() {
        writeStored('localStorage', FOLDED, this.element.open ? '' : 'yes');
        this.shown();
    }

    async #look() {
        const isSeen = this.element.isConnected && this.element.open && this.element.checkVisibility?.() !== false;
        if (!isSeen || this.#isDone) return 0;
        this.#lookedAt = now();
        try {
            this.#showSteps((await get('system/first-steps')).body.steps);
        } catch (error) {
            fill(this.#body, readFailure(error, RETRY_NOTE));
        }
        return 0;
    }

    #showSteps(steps) {
        const done = steps.filter((step) => step.state === 'done').length;
        this.#isDone = done === steps.length;
        if (this.#isDone) writeStored('localStorage', FOLDED, 'yes');
        fill(this.#count, `${done} of ${steps.length} done`);
        fill(this.#body,
            h('ol', {}, steps.map((step) => this.#row(step))),
            !this.#isDone && !this.#isAdministrator && h('p', { class: 'wb-dim' }, 'Most of this takes an administrator of Splunk.'),
            this.#isDone && h('p', { class: 'wb-dim' }, 'All is set up: next time this is folded away.'));
    }

    #row({ name, title, state, detail }) {
        const [mark, word] = STATES[state];
        return h('li', { class: `wb-step-${state}` },
            h('span', { 'aria-hidden': 'true' }, mark),
            h('div', {},
                h('div', { class: 'wb-entry-title' }, title, h('span', { class: 'wb-hidden' }, `, ${word}`)),
                h('div', { class: 'wb-dim' }, detail, ' ', state !== 'done' && this.#way(name))));
    }

    /** What takes whoever reads it there. */
    #way(name) {
        const [page, label] = (this.#isAdministrator && PLACES[name]) || [];
        return [
            page && h('a', { href: new URL(page, location.href).pathname }, label), ' ',
            name === 'message' && h('button', { type: 'button', class: 'wb-quiet', on: { click: () => openTestIncidentForm(this.app) } }, 'Open a test incident'),
        ];
    }
}
