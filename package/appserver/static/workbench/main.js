/**
 * The workbench, where people work on incidents. Assembles the parts of the page and keeps them up to date.
 */

import { watchMenus } from './actionbar.js';
import { ActionRunner } from './actionrunner.js';
import { lacks } from './actions.js';
import { addressOf, listQuery, MAX_SHOWN, PAGE_SIZE, queryOf, readAddress, shownAtFirst, withRows } from './address.js';
import { stepText } from './analysis.js';
import { watchAnalysis } from './analysisjob.js';
import { ApiError, get, isWithoutAnswer, newest } from './api.js';
import { BulkBar } from './bulk.js';
import { FormChoices } from './choices.js';
import { Detail, ONE_PANE } from './detail.js';
import { fill, h } from './dom.js';
import { setDefinitions } from './fields.js';
import { FilterBar } from './filters.js';
import { FollowUps } from './followups.js';
import { useTimeZone } from './format.js';
import { explainError, RETRY_NOTE } from './forms.js';
import { enterFrame } from './frame.js';
import { showHandover } from './handover.js';
import { listen, showKeys } from './keyboard.js';
import { IncidentList } from './list.js';
import { showLoad } from './load.js';
import { MyTasks } from './mytasks.js';
import { emptyList, openNewIncidentForm } from './newincident.js';
import { OnCall } from './oncall.js';
import { Poller } from './poller.js';
import { currentUser, preloadedFields, takePreloadedList } from './preload.js';
import { problemsOf, shown } from './problems.js';
import { setStorageOwner } from './storage.js';
import { Suppressions } from './suppressions.js';
import { watchTabTitle } from './tabtitle.js';
import { Toast } from './toast.js';
import { Undelivered } from './undelivered.js';

const REFRESH_SECONDS = 15;
const SYSTEM_SECONDS = 300;

export class Workbench {
    #running = new Map();
    #newest = newest(async (query) => takePreloadedList() ?? { query, page: (await get('incidents', query)).body });
    #choices;
    #actionRunner = new ActionRunner(this);
    #paging = false;
    #asked = {}; // the query that `cursor` belongs to
    #notices = [];

    /**
     * @param {HTMLElement} root
     * @param {{name: string, roles: string[], capabilities: Set<string>}} me
     */
    constructor(root, me) {
        this.me = me;
        this.#choices = new FormChoices(me.name, () => [this.list, this.detail].forEach((one) => one.redraw()));
        const { filters, rows } = readAddress();
        this.wanted = filters;
        this.shown = shownAtFirst(rows);
        this.banner = h('div', { class: 'wb-banner', role: 'alert', hidden: true });
        this.notice = h('div', { class: 'wb-notice', role: 'status', hidden: true });
        this.toast = new Toast();
        this.suppressions = new Suppressions(this);
        this.undelivered = new Undelivered(this);
        this.onCall = new OnCall(this);
        this.followUps = new FollowUps(this);
        this.myTasks = new MyTasks(this);
        const keys = h('button', { type: 'button', class: 'wb-quiet', 'aria-label': 'Keyboard shortcuts', title: 'Keyboard shortcuts (?)', on: { click: showKeys } }, '?');
        const fresh = h('button', { type: 'button', class: 'wb-quiet', title: 'New incident (c)', 'aria-label': 'New incident', hidden: !this.mayWrite, on: { click: () => openNewIncidentForm(this) } }, 'New');
        this.filters = new FilterBar(filters, (changed) => this.filter(changed), fresh, this.myTasks.button, this.undelivered.button, this.followUps.button, this.onCall.button, this.suppressions.button, keys);
        this.list = new IncidentList({
            address: (id) => this.addressOf(id), open: (id, byKeyboard) => this.open(id, byKeyboard), more: () => this.showMore(), selected: () => this.bulk?.show(),
        });
        this.bulk = new BulkBar(this);
        this.detail = new Detail(this);
        const left = h('section', { class: 'wb-left', 'aria-label': 'List' }, h('div', { class: 'wb-bar' }, this.filters.element), this.bulk.element, this.list.element);
        this.panes = h('div', { class: 'wb-panes' }, left, this.detail.element, this.suppressions.element);
        // Live regions must exist before their text, or screen readers don't announce it.
        fill(root, this.panes, h('div', { class: 'wb-below' }, h('div', { role: 'status' }, this.toast.element), this.banner, this.notice));
        root.classList.toggle('wb-looking', !this.mayWrite);
        this.poller = new Poller(REFRESH_SECONDS, () => (this.list.waits || this.#paging ? 0 : this.#refresh(true)));
        window.addEventListener('popstate', () => this.#followAddress());
        listen(this);
        watchMenus();
        watchTabTitle(() => queryOf(this.wanted, this.me.name));
    }

    /** Show what the address names, and start the refresh. */
    async start() {
        const view = new URLSearchParams(location.search).get('view');
        if (view === 'undelivered') this.undelivered.show();
        if (view === 'oncall') this.onCall.show();
        if (view === 'handover') showHandover(this, this.wanted.team);
        if (view === 'load') showLoad(this, this.wanted.team);
        if (view === 'followups') this.followUps.show();
        if (view === 'mytasks') this.myTasks.show();
        this.#openWanted();
        await this.#refresh(false);
        this.poller.start();
        new Poller(SYSTEM_SECONDS, () => this.#lookAtSystem()).now();
    }

    /** Whether the user may change incidents. */
    get mayWrite() {
        return !lacks(this.me.capabilities, 'incident_write');
    }

    /** @param {string} id */
    addressOf(id) {
        return addressOf(this.wanted, id);
    }

    /**
     * Open an incident, as one step in the browser's history.
     * @param {string} id
     * @param {boolean} byKeyboard moves the focus into it, not to the end of a list of fifty rows
     */
    open(id, byKeyboard = false) {
        if (id !== this.detail.id) history.pushState(null, '', addressOf(this.wanted, id, readAddress().tab));
        this.detail.focusOnOpen = byKeyboard || ONE_PANE.matches;
        this.#openWanted();
    }

    /** Show the suppressions. */
    showSuppressions() {
        if (!readAddress().held) history.pushState(null, '', addressOf(this.wanted, '', '', true));
        this.#openWanted();
    }

    /** Back to the list. */
    backToList() {
        const { id } = this.detail;
        if (!id && !readAddress().held) return;
        const from = id ? this.list.items.querySelector(`[data-id="${CSS.escape(id)}"]`) : this.suppressions.button;
        history.pushState(null, '', addressOf(this.wanted));
        this.#openWanted();
        from?.focus();
    }

    /** Put the shown tab of the incident into the address. */
    tabChanged(tab) {
        history.replaceState(null, '', addressOf(this.wanted, this.detail.id, tab === 'timeline' ? '' : tab));
    }

    /** Apply filters. */
    filter(filters) {
        this.wanted = filters;
        this.shown = PAGE_SIZE;
        history.replaceState(null, '', withRows(0));
        history.replaceState(null, '', addressOf(filters, this.detail.id, readAddress().tab, readAddress().held));
        this.filters.show(filters);
        this.list.scroller.scrollTop = 0;
        this.list.wait();
        this.#refresh(false);
    }

    /** Append the next page; only one, however often it is pressed before that page has come. */
    async showMore() {
        if (this.#paging || this.list.waits) return;
        this.#paging = true;
        try {
            await this.#next();
        } finally {
            this.#paging = false;
        }
    }

    /** Show the most incidents that the list can hold, and select them. */
    async selectMost() {
        this.#showUpTo(MAX_SHOWN);
        this.list.wait();
        const { wanted } = this;
        await this.#refresh(false);
        if (wanted === this.wanted) this.list.selectAll(true);
    }

    /** Refresh after a change. A dialog does not wait for it and closes at once. */
    async changed(id = '') {
        this.#refresh(false);
        this.myTasks.refreshButton();
        if (id && id === this.detail.id) await this.detail.reload();
    }

    /** The step of an incident's analysis that was started on this page; undefined if none is running. */
    running(id) {
        return this.#running.get(id);
    }

    /** Run an action on the open incident; see {@link ActionRunner#perform}. */
    perform(action) {
        return this.#actionRunner.perform(action);
    }

    /** @returns {Promise<import('./actions.js').Choices>} what the forms offer */
    choices() {
        return this.#choices.choices();
    }

    /** Show the result of an action in a toast. */
    showToast(text, stays = false) {
        this.toast.show(h('span', {}, text), stays);
    }

    /** Show why Splunk can't be reached, until it answers. */
    trouble(error) {
        const when = error.retryAfter > REFRESH_SECONDS ? `in ${error.retryAfter} seconds` : 'automatically';
        const next = `${this.list.incidents.length ? 'The page shows the last known state. It' : 'The page'} retries ${when}.`;
        fill(this.banner, explainError(error, next));
        this.banner.hidden = false;
    }

    #openWanted() {
        const { incident, tab, held } = readAddress();
        this.panes.classList.toggle('wb-open', Boolean(incident) || held);
        this.list.choose(incident);
        document.title = incident || held ? `${incident || 'Suppressions'} · Workbench` : 'Workbench';
        this.detail.element.hidden = held;
        this.suppressions.show(held);
        if (incident) this.detail.open(incident, tab);
        else this.detail.close();
    }

    #followAddress() {
        const { filters } = readAddress();
        const same = JSON.stringify(filters) === JSON.stringify(this.wanted);
        this.wanted = filters;
        this.filters.show(filters);
        this.#openWanted();
        if (same) return;
        this.list.wait();
        this.#refresh(false);
    }

    /** Read a page of the list, the first time the preloaded one; null if another was requested meanwhile. */
    async #read(query) {
        const read = await this.#newest(query);
        if (!read) return null;
        this.#asked = read.query;
        this.cursor = read.page.next_cursor;
        return read.page;
    }

    /** Read the list, and the open incident if it has changed. Return the least seconds until the next refresh. */
    async #refresh(quietly) {
        try {
            const page = await this.#read({ ...listQuery(this.wanted, this.me.name), limit: this.shown });
            if (!page) return 0;
            this.banner.hidden = true;
            this.#showList(page.incidents, quietly);
            if (quietly) await this.detail.refresh(page.incidents.find((one) => one.id === this.detail.id));
            if (quietly) await this.suppressions.reload();
            return 0;
        } catch (error) {
            return this.#listFailed(error);
        }
    }

    async #next() {
        const before = this.shown;
        this.#showUpTo(before + PAGE_SIZE);
        try {
            const page = await this.#read({ ...this.#asked, limit: PAGE_SIZE, cursor: this.cursor });
            if (!page) return;
            const known = new Set(page.incidents.map((one) => one.id));
            this.#showList([...this.list.incidents.filter((one) => !known.has(one.id)), ...page.incidents], false);
        } catch (error) {
            this.#showUpTo(before);
            this.#listFailed(error);
        }
    }

    #showUpTo(rows) {
        this.shown = Math.min(MAX_SHOWN, rows);
        history.replaceState(null, '', withRows(this.shown));
    }

    #showList(incidents, quietly) {
        this.list.show(incidents, { quietly, more: Boolean(this.cursor), most: MAX_SHOWN, empty: this.#empty() });
        this.list.tick();
        this.bulk.show();
        this.detail.setListState(incidents.length > 0);
    }

    #empty() {
        const any = !this.filters.clear.hidden;
        return any
            ? [h('p', {}, 'No incident matches these filters.'), h('button', { type: 'button', class: 'wb-button', on: { click: () => this.filters.clear.click() } }, 'Clear filters')]
            : emptyList(this, this.#notices);
    }

    #listFailed(error) {
        if (!(error instanceof ApiError)) throw error;
        this.trouble(error);
        this.list.showMessage(`The list could not be read. ${isWithoutAnswer(error) ? RETRY_NOTE : ''}`);
        return error.retryAfter;
    }

    async #lookAtSystem() {
        for (const one of [this.suppressions, this.undelivered, this.followUps, this.myTasks, this.onCall]) one.refreshButton();
        this.choices().then((choices) => this.filters.offer(choices));
        try {
            const { body } = await get('system/info');
            const problems = problemsOf(body);
            this.#notices = body.notices;
            if (this.banner.hidden) this.list.showEmpty(...this.#empty());
            this.notice.hidden = !problems.length;
            fill(this.notice, shown(problems));
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list shows the error
        }
        return 0;
    }

    /** Show the progress of an analysis that was started on this page. */
    watch(id, sid) {
        const told = (step) => {
            this.#running.set(id, step);
            if (this.detail.id === id) this.detail.part.querySelector('.wb-step')?.replaceChildren(stepText(step));
        };
        told('');
        if (this.detail.id === id) this.detail.reloadPart();
        watchAnalysis(id, sid, told).then((failure) => {
            this.#running.delete(id);
            if (failure) this.showToast(`The analysis of ${id} failed: ${failure}`, true);
            if (this.detail.id === id) this.detail.reloadPart();
        });
    }
}

async function begin() {
    const root = h('div', { class: 'workbench' });
    (await enterFrame()).append(root);
    const place = () => root.style.setProperty('--wb-above', `${Math.round(root.getBoundingClientRect().top + window.scrollY)}px`);
    new ResizeObserver(place).observe(document.body);
    place();
    const message = h('div', { class: 'wb-message', role: 'status' }, 'Loading …');
    fill(root, message);
    try {
        const context = await currentUser((error) => fill(message, explainError(error, RETRY_NOTE)));
        useTimeZone(context.tz);
        setStorageOwner(context.username);
        const me = { name: context.username, roles: context.roles ?? [], capabilities: new Set(context.capabilities ?? []) };
        const lacking = lacks(me.capabilities, 'incident_read');
        const fields = await preloadedFields();
        if (fields) setDefinitions(fields);
        if (lacking) fill(message, h('p', {}, `${lacking} Ask an administrator for the role incident_viewer or incident_responder.`));
        else await new Workbench(root, me).start();
    } catch (error) {
        fill(root, h('div', { class: 'wb-message', role: 'alert' }, explainError(error)));
    }
}

begin();
