/**
 * One incident: its facts, its actions, and its tabs (timeline, tasks, analysis, fixes, signals, similar incidents, review).
 */

import { actionBar } from './actionbar.js';
import { analysisPart } from './analysis.js';
import { ApiError, get, isWithoutAnswer } from './api.js';
import { readIncident } from './change.js';
import { Composer } from './composer.js';
import { fill, h, keepingPlace, watchPress } from './dom.js';
import { FirstSteps } from './firststeps.js';
import { readFailure, RETRY_NOTE } from './forms.js';
import { clocks, facts, heading } from './head.js';
import { plansPart, readPlans } from './plans.js';
import { readReview, reviewPart } from './review.js';
import { SignalsPart } from './signals.js';
import { similarPart } from './similar.js';
import { summary } from './summary.js';
import { Tasks } from './tasks.js';
import { timelinePart } from './timeline.js';

export const TABS = [['timeline', 'Timeline'], ['tasks', 'Tasks'], ['analysis', 'Analysis'], ['fixes', 'Fixes'], ['signals', 'Signals'], ['similar', 'Similar'], ['review', 'Review']];

/** Whether the window is so narrow that the list is hidden while an incident is shown, as on a phone. */
export const ONE_PANE = matchMedia('(max-width: 899px)');

export class Detail {
    #id = '';
    #parts = new Map(); // requests for the tabs of this version, by tab
    #loading = 0;
    #some = false;
    #openTasks = 0;
    #pressed;
    #next = null; // the version to show once nothing is pressed any more

    /**
     * @param {import('./main.js').Workbench} app
     */
    constructor(app) {
        this.app = app;
        this.seen = null;
        /** This incident's fixes, if the timeline is too long to show them. */
        this.plans = [];
        this.tab = 'timeline';
        /** Whether opening an incident moves the focus into it. */
        this.focusOnOpen = false;
        /** Keys of entries whose message was resent from here. */
        this.resent = new Set();
        this.composer = new Composer(this);
        this.steps = new FirstSteps(app);
        ONE_PANE.addEventListener('change', () => this.#placeSteps());
        this.signals = new SignalsPart(this);
        this.tasks = new Tasks(this);
        this.head = h('div', { class: 'wb-head' });
        this.tabs = h('div', { class: 'wb-tabs', role: 'tablist', 'aria-label': 'Incident tabs' });
        this.part = h('section', { class: 'wb-part', role: 'tabpanel', id: 'wb-part', tabindex: 0 });
        this.body = h('div', { class: 'wb-detail-body' }, this.head, this.tabs, this.composer.element, this.tasks.element, this.part);
        this.message = h('div', { class: 'wb-message' });
        this.element = h('article', { class: 'wb-scroll wb-beside wb-detail', 'aria-label': 'Incident' }, this.message, this.body);
        this.#pressed = watchPress(this.element, () => this.#next && this.update(this.#next));
        this.close();
    }

    /** The id of the open incident; empty for none. */
    get id() {
        return this.#id;
    }

    /** Show no incident. */
    close() {
        this.#id = '';
        this.seen = null;
        this.#next = null;
        this.body.hidden = true;
        this.message.hidden = false;
        this.#offer();
    }

    /** Adapt the hint that stands in place of an incident to whether the list has any. */
    setListState(some) {
        if (some === this.#some) return;
        this.#some = some;
        if (!this.#id) this.#offer();
    }

    #offer() {
        const words = this.#some ? 'Select an incident on the left.' : 'The incident that you select appears here.';
        fill(this.message, h('p', {}, words), h('p', { class: 'wb-dim' }, 'Press ? for keyboard shortcuts.'));
        this.#placeSteps();
    }

    /** In a narrow window the first steps are below the list. */
    #placeSteps() {
        (ONE_PANE.matches ? this.app.list.scroller : this.message).append(this.steps.element);
        this.steps.shown();
    }

    /**
     * Show an incident.
     * @param {string} id
     * @param {string} tab
     */
    async open(id, tab) {
        this.tab = TABS.some(([name]) => name === tab) ? tab : 'timeline';
        if (id === this.#id && this.seen) {
            this.#show();
            return;
        }
        this.#id = id;
        this.seen = null;
        this.#next = null;
        this.#parts = new Map();
        this.signals.reset();
        this.composer.open(id);
        this.tasks.open(id);
        this.#openTasks = 0;
        this.plans = [];
        this.body.hidden = true;
        this.message.hidden = false;
        fill(this.message, 'Loading …');
        this.element.scrollTop = 0;
        await this.reload();
    }

    /**
     * Read the incident again and show it, or the error in its place.
     * @param {import('./change.js').Seen} [known] nothing more is read if this is still the newest version
     */
    async reload(known) {
        const id = this.#id;
        const turn = (this.#loading += 1);
        try {
            const seen = await readIncident(id, this.seen?.earlier, known);
            if (turn === this.#loading && id === this.#id) this.update(seen);
        } catch (error) {
            if (turn !== this.#loading || id !== this.#id) return;
            if (isWithoutAnswer(error)) this.app.trouble(error);
            if (this.seen) return;
            fill(this.message, error instanceof ApiError && error.status === 404 ? h('p', {}, `Incident ${id} was not found. Search for its id or title with “Any status”.`) : readFailure(error, RETRY_NOTE));
        }
    }

    /**
     * Show a version of the incident.
     * @param {import('./change.js').Seen} seen
     */
    update(seen) {
        if (seen.incident.id !== this.#id) return;
        const before = this.seen;
        const changed = before?.etag !== seen.etag || before.incident.entries !== seen.incident.entries;
        if (!changed && before.entries.length === seen.entries.length && before.verified === seen.verified) {
            this.tick(); // drawing it anew would lose the user's text selection
            return;
        }
        this.#next = before && this.#pressed() ? seen : null;
        if (this.#next) return;
        this.seen = seen;
        if (changed) this.#parts = new Map();
        const shown = this.#show();
        if (!before) this.#beginAt(this.tab, shown);
    }

    /** On a phone, scroll to the tab that the address names, unless the user scrolls before it is read. */
    async #beginAt(tab, shown) {
        if (tab === 'timeline' || !ONE_PANE.matches) return;
        const at = () => this.tabs.getBoundingClientRect().top;
        const place = at();
        await shown;
        if (tab === this.tab && at() === place) this.tabs.scrollIntoView();
    }

    /** Read the incident again if the list shows another version of it, or does not contain it. */
    async refresh(incident) {
        if (!this.#id) return;
        const known = this.seen?.incident.head?.join();
        if (!incident || incident.head?.join() !== known) await this.reload(this.seen);
        else this.tick();
        const lacksPart = this.tab !== 'timeline' && !this.#parts.has(this.tab);  // reading it failed
        if (this.seen && lacksPart) await this.#showPart();
    }

    /** Show that an action is running. */
    wait(on) {
        this.element.classList.toggle('wb-acting', on);
        this.element.setAttribute('aria-busy', String(on));
    }

    /** Update the clocks. */
    tick() {
        if (this.seen && this.clocks) fill(this.clocks, clocks(this.seen.incident));
    }

    /** Draw anew what depends on custom fields: facts and actions. A text selection elsewhere stays. */
    redraw() {
        if (!this.seen) return;
        keepingPlace(this.element, () => {
            this.head.querySelector('.wb-actions').replaceWith(actionBar(this));
            this.head.querySelector('.wb-facts').replaceWith(facts(this.seen.incident, this.app));
        });
    }

    /** Show another tab. */
    async showTab(tab) {
        this.tab = tab;
        this.app.tabChanged(tab);
        const id = this.#id;
        await this.#show();
        if (id !== this.#id || tab !== this.tab) return;
        // On a phone the tab would begin below the visible part.
        if (this.tabs.getBoundingClientRect().top > window.innerHeight / 2) this.tabs.scrollIntoView();
    }

    /** Read the shown tab again, for example after a decision on a plan. */
    async reloadPart() {
        this.#parts = new Map();
        await this.reload();
        await this.#showPart();
    }

    #show() {
        this.message.hidden = true;
        this.body.hidden = false;
        keepingPlace(this.element, () => {
            const { incident } = this.seen;
            this.clocks = h('span', { class: 'wb-clocks' }, clocks(incident));
            fill(this.head, heading(incident, this.clocks, () => this.app.backToList()), actionBar(this), this.summary = h('div', {}, summary(this)), facts(incident, this.app), integrity(this.seen));
            this.#showTabs();
            this.part.setAttribute('aria-labelledby', `wb-tab-${this.tab}`);
            this.composer.element.hidden = this.tab !== 'timeline' || !this.app.mayWrite;
            this.tasks.element.hidden = this.tab !== 'tasks' || !this.app.mayWrite || Boolean(incident.merged_into);
        });
        this.#goOn();
        this.#countTasks();
        this.#lookForFixes();
        return this.#showPart();
    }

    #showTabs() {
        fill(this.tabs, TABS.map(([name, label]) => this.#tabButton(name, label)));
        const chosen = this.tabs.querySelector('[aria-selected=true]');
        this.tabs.scrollLeft = chosen.offsetLeft - this.tabs.offsetLeft - 40; // if not all tabs fit
    }

    /** Count the open tasks. They are read, as the incident's document lacks untouched checklist steps. */
    async #countTasks() {
        const parts = this.#parts;
        if (!parts.has('tasks')) parts.set('tasks', this.#read('tasks', this.seen.incident));
        try {
            const { open } = await parts.get('tasks');
            if (parts !== this.#parts || open === this.#openTasks) return;
            this.#openTasks = open;
            keepingPlace(this.element, () => this.#showTabs());
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            parts.delete('tasks'); // the tab itself shows the error
        }
    }

    /** Read the fixes if the timeline was only read in part: a fix may have been proposed before that. */
    async #lookForFixes() {
        const parts = this.#parts;
        if (!this.seen.earlier || parts.has('plans')) return;
        parts.set('plans', get(`incidents/${encodeURIComponent(this.#id)}/plans`));
        try {
            const { body: { plans } } = await parts.get('plans');
            if (parts !== this.#parts) return;
            this.plans = plans;
            keepingPlace(this.element, () => fill(this.summary, summary(this)));
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            parts.delete('plans'); // it is read with the next version
        }
    }

    /** Move the focus into the incident, unless the user moved it elsewhere while the incident was read. */
    #goOn() {
        const at = document.activeElement;
        if (this.focusOnOpen && (at === document.body || at.dataset.id === this.#id)) this.head.querySelector('h1').focus({ preventScroll: true });
        this.focusOnOpen = false;
    }

    #tabButton(name, label) {
        const { incident } = this.seen;
        const chosen = name === this.tab;
        const count = { signals: incident.signals, timeline: incident.entries, review: incident.follow_ups_open, tasks: this.#openTasks }[name];
        return h('button', {
            type: 'button', role: 'tab', id: `wb-tab-${name}`, 'data-place': `tab-${name}`, 'aria-selected': String(chosen), 'aria-controls': 'wb-part', tabindex: chosen ? 0 : -1,
            on: { click: () => this.showTab(name), keydown: (event) => this.#arrows(event, name) },
        }, label, count ? h('span', { class: 'wb-count', title: { review: 'open follow-ups', tasks: 'open tasks' }[name] }, count) : null);
    }

    #arrows(event, name) {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        const names = TABS.map(([one]) => one);
        this.showTab(names[(names.indexOf(name) + by + names.length) % names.length]);
        this.tabs.querySelector('[aria-selected=true]').focus();
    }

    async #showPart() {
        const { tab, seen } = this;
        if (tab === 'timeline') {
            keepingPlace(this.element, () => fill(this.part, timelinePart(this)));
            return;
        }
        const parts = this.#parts; // another incident, or another version of it, has others
        if (!parts.has(tab)) {
            if (this.part.dataset.tab !== `${this.#id}/${tab}`) fill(this.part, h('p', { class: 'wb-dim' }, 'Loading …'));
            parts.set(tab, this.#read(tab, seen.incident));
        }
        const isWanted = () => parts === this.#parts && tab === this.tab;
        try {
            const found = await parts.get(tab);
            if (!isWanted()) return;
            this.part.dataset.tab = `${this.#id}/${tab}`;
            const shown = { tasks: () => this.tasks.show(found), analysis: () => analysisPart(this, found), fixes: () => plansPart(this, found), signals: () => this.signals.show(found), similar: () => similarPart(this, found), review: () => reviewPart(this, found) };
            keepingPlace(this.element, () => fill(this.part, shown[tab]()));
        } catch (error) {
            parts.delete(tab);
            if (isWanted()) fill(this.part, readFailure(error, RETRY_NOTE));
        }
    }

    async #read(tab, incident) {
        if (tab === 'fixes') return readPlans(incident.id);
        if (tab === 'signals') return (await get(`incidents/${incident.id}/signals`, { limit: 200 })).body;
        if (tab === 'tasks' || tab === 'similar') return (await get(`incidents/${incident.id}/${tab}`)).body;
        if (tab === 'review') return readReview(incident.id);
        try {
            return (await get(`incidents/${incident.id}/analysis`)).body;
        } catch (error) {
            if (error instanceof ApiError && error.status === 404) return null;
            throw error;
        }
    }
}

function integrity({ verified, problems, etag }) {
    const wrong = [
        !verified && `The timeline was altered or is incomplete: ${problems.slice(0, 3).join(' ')}`,
        !etag && 'A proxy between your browser and Splunk removes the incident’s version (ETag), so concurrent changes by others are not detected.',
    ].filter(Boolean);
    return wrong.length > 0 && h('div', { class: 'wb-trouble', role: 'alert' }, wrong.map((one) => h('p', {}, one)));
}
