/**
 * The first steps of an installation and their state, shown to administrators in place of an incident.
 */

import { lacks } from './actions.js';
import { get } from './api.js';
import { fill, h } from './dom.js';
import { now } from './format.js';
import { readFailure, RETRY_NOTE } from './forms.js';
import { openTestIncidentForm } from './newincident.js';
import { Poller } from './poller.js';
import { readStored, writeStored } from './storage.js';

// Each check runs two searches, so it is rare on an open page, and not repeated on each return to the list.
const LOOK_SECONDS = 120;
const FRESH_SECONDS = 15;
const FOLDED = 'incident_management.first_steps_folded';
const STATES = { done: ['✓', 'done'], todo: ['○', 'to do'], unknown: ['?', 'unknown'] };
// The roles that metadata/default.meta lets see the pages of the steps.
const ADMINISTRATORS = ['admin', 'sc_admin'];
// The page of this app for each step. Only the label names the tab: with a tab in the address (?tab=network)
// UCC 6.6.0 returns to that tab whenever another is chosen.
const PLACES = {
    worker: ['inputs', 'Inputs'],
    detections: ['detections', 'Detections'],
    channels: ['configuration', 'Configuration'],
    message: ['configuration', 'Configuration'], // the step's detail names the tab
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

    /** Check the steps now that they are shown, and keep checking while some are open. */
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
            !this.#isDone && !this.#isAdministrator && h('p', { class: 'wb-dim' }, 'Most of these steps need a Splunk administrator.'),
            this.#isDone && h('p', { class: 'wb-dim' }, 'Everything is set up. This list will be folded away next time.'));
    }

    #row({ name, title, state, detail }) {
        const [mark, word] = STATES[state];
        return h('li', { class: `wb-step-${state}` },
            h('span', { 'aria-hidden': 'true' }, mark),
            h('div', {},
                h('div', { class: 'wb-entry-title' }, title, h('span', { class: 'wb-hidden' }, `, ${word}`)),
                h('div', { class: 'wb-dim' }, detail, ' ', state !== 'done' && this.#way(name))));
    }

    /** The link or button that leads to a step. */
    #way(name) {
        const [page, label] = (this.#isAdministrator && PLACES[name]) || [];
        return [
            page && h('a', { href: new URL(page, location.href).pathname }, label), ' ',
            name === 'message' && h('button', { type: 'button', class: 'wb-quiet', on: { click: () => openTestIncidentForm(this.app) } }, 'Open a test incident'),
        ];
    }
}
