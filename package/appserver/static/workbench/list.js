/**
 * The list of incidents. A refresh updates rows in place and moves none while the user is at work in the list.
 */

import { fill, h, plain } from './dom.js';
import { fieldsInRow } from './fields.js';
import { abbreviate, now, plural, serviceLevel, span, stateName } from './format.js';
import { isUpdateOverdue } from './updates.js';

// After this long without a pointer movement or a key, the user is no longer at work in the list: a pointer that
// rests there, as on a wall screen, must not keep new incidents out of it.
const AT_WORK_MS = 60_000;
// If the names of several entities are longer, a row shows their number.
const MOST_LETTERS = 28;

/**
 * @typedef {Object<string, any>} Incident
 */

export class IncidentList {
    #rows = new Map();
    #chosen = '';
    #waiting = null;
    #touched = 0;
    #before = '';

    /**
     * @param {object} calls
     * @param {function(string): string} calls.address of an incident's page
     * @param {function(string, boolean): void} calls.open and whether by keyboard
     * @param {function(): void} calls.selected the selection has changed
     * @param {function(): void} calls.more loads the next page
     */
    constructor(calls) {
        this.calls = calls;
        this.selection = new Set();
        this.incidents = [];
        this.items = h('ul', { class: 'wb-list', 'aria-label': 'Incidents' });
        this.news = h('button', { type: 'button', class: 'wb-news', hidden: true, on: { click: () => this.#showWaiting() } });
        this.more = h('button', { type: 'button', class: 'wb-button wb-more', hidden: true, on: { click: () => calls.more() } }, 'Show more');
        this.message = h('div', { class: 'wb-message', role: 'status' }, 'Loading …');
        this.limit = h('p', { class: 'wb-message wb-dim', hidden: true });
        this.scroller = h('div', { class: 'wb-scroll' }, this.items, this.message, this.more, this.limit);
        this.element = h('div', { class: 'wb-list-pane' }, h('div', { role: 'status' }, this.news), this.scroller);
        for (const event of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
            this.scroller.addEventListener(event, () => { this.#touched = Date.now(); }, { passive: true });
        }
    }

    /** Mark the list as out of date: an answer to other filters is on its way. */
    wait() {
        this.element.classList.add('wb-waiting');
        this.element.setAttribute('aria-busy', 'true');
    }

    /** Whether an answer is on its way. */
    get waits() {
        return this.element.hasAttribute('aria-busy');
    }

    #answered() {
        this.element.classList.remove('wb-waiting');
        this.element.removeAttribute('aria-busy');
    }

    /**
     * Show a page. A background refresh with other rows waits for a click while the user is at work in the list.
     * @param {Incident[]} incidents
     * @param {{more: boolean, most: number, quietly: boolean, empty: (Node|string)[]}} how `most`: the most rows ever
     *     listed; `quietly`: a background refresh; `empty`: shown if there are no incidents
     */
    show(incidents, how) {
        const ids = incidents.map((one) => one.id).join();
        const same = ids === this.incidents.map((one) => one.id).join();
        this.#answered();
        if (how.quietly && !same && this.#inUse()) {
            this.#waiting = { incidents, how };
            const left = new Set(this.#rows.keys());
            for (const one of incidents) {
                left.delete(one.id);
                this.#rows.get(one.id)?.show(one);
            }
            for (const id of left) this.#rows.get(id).markGone();
            const fresh = incidents.filter((one) => !this.#rows.has(one.id)).length;
            fill(this.news, fresh ? `${plural(fresh, 'new incident')} – show` : 'The list has changed – show');
            this.news.hidden = false;
            return;
        }
        this.#waiting = null;
        this.news.hidden = true;
        this.incidents = incidents;
        this.#place(incidents);
        this.more.hidden = !how.more || incidents.length >= how.most;
        this.limit.hidden = !how.more || incidents.length < how.most;
        fill(this.limit, `Only the first ${incidents.length} incidents are listed. Narrow the filters to see others.`);
        this.message.hidden = incidents.length > 0;
        if (!incidents.length) fill(this.message, how.empty);
    }

    /** Show a message in place of rows, if there are none. */
    showMessage(...what) {
        this.#answered();
        if (this.incidents.length) return;
        this.message.hidden = false;
        fill(this.message, ...what);
    }

    /** Replace the message of an empty list, unless an answer is on its way. */
    showEmpty(...what) {
        if (!this.incidents.length && !this.waits) fill(this.message, ...what);
    }

    /** Update ages and deadlines. */
    tick() {
        for (const row of this.#rows.values()) row.tick();
    }

    /** Draw the rows anew, as the custom fields have changed. */
    redraw() {
        for (const row of this.#rows.values()) row.show(row.incident);
    }

    /** Mark the row of the open incident. */
    choose(id) {
        this.#rows.get(this.#chosen)?.mark(false);
        this.#chosen = id;
        this.#rows.get(id)?.mark(true);
    }

    /** Move the focus by so many rows; from outside the list, to the chosen or first one. */
    step(by) {
        const ids = this.incidents.map((one) => one.id);
        if (!ids.length) return;
        const at = ids.findIndex((id) => this.#rows.get(id).element.contains(document.activeElement));
        const from = at >= 0 ? at : ids.indexOf(this.#chosen);
        const to = from < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, from + by));
        this.#rows.get(ids[to]).focus();
    }

    /** The incident whose row has the focus, else the chosen one; empty for none. */
    current() {
        const found = this.incidents.find((one) => this.#rows.get(one.id).element.contains(document.activeElement));
        return found?.id ?? this.#chosen;
    }

    /**
     * Select or deselect a row.
     * @param {string} id
     * @param {boolean} [through] also all rows from the last toggled one, as with Shift
     */
    toggle(id, through = false) {
        const ids = this.incidents.map((one) => one.id);
        const to = ids.indexOf(id);
        if (to < 0) return;
        const from = through && ids.includes(this.#before) ? ids.indexOf(this.#before) : to;
        const on = !this.selection.has(id);
        for (const each of ids.slice(Math.min(from, to), Math.max(from, to) + 1)) {
            if (on) this.selection.add(each);
            else this.selection.delete(each);
            this.#rows.get(each).select(on);
        }
        this.#before = id;
        this.calls.selected();
    }

    /** Select all rows, or none. */
    selectAll(on) {
        this.selection = new Set(on ? this.incidents.map((one) => one.id) : []);
        for (const [id, row] of this.#rows) row.select(this.selection.has(id));
        this.calls.selected();
    }

    #inUse() {
        if (this.selection.size > 0 || this.scroller.scrollTop > 0) return true;
        return Date.now() - this.#touched < AT_WORK_MS && (this.items.matches(':hover') || this.items.contains(document.activeElement));
    }

    #showWaiting() {
        const { incidents, how } = this.#waiting;
        this.scroller.scrollTop = 0;
        this.show(incidents, { ...how, quietly: false });
    }

    #place(incidents) {
        const wanted = new Set(incidents.map((one) => one.id));
        for (const [id, row] of this.#rows) {
            if (wanted.has(id)) continue;
            row.element.remove();
            this.#rows.delete(id);
            this.selection.delete(id);
        }
        const focused = this.items.contains(document.activeElement) ? document.activeElement : null;
        let before = this.items.firstElementChild;
        for (const one of incidents) {
            const row = this.#rows.get(one.id) ?? this.#newRow(one.id);
            row.show(one);
            if (row.element === before) before = before.nextElementSibling;
            else this.items.insertBefore(row.element, before);
        }
        // A row that is moved loses the focus.
        if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
        this.calls.selected();
    }

    #newRow(id) {
        const row = new Row(id, this.calls, (event) => this.toggle(id, event.shiftKey));
        row.mark(id === this.#chosen);
        this.#rows.set(id, row);
        return row;
    }
}

class Row {
    #shown = '';
    #gone = false;

    constructor(id, calls, toggle) {
        this.box = h('input', { type: 'checkbox', 'aria-label': `Select ${id}`, on: { click: toggle } });
        this.title = h('span', { class: 'wb-row-title' });
        this.facts = h('span', { class: 'wb-row-facts' });
        this.sla = h('span', { class: 'wb-sla' });
        this.ago = h('span');
        this.age = h('span', { class: 'wb-age' }, h('span', { class: 'wb-hidden' }, 'opened '), this.ago, h('span', { class: 'wb-hidden' }, ' ago'));
        this.severity = h('span', { class: 'wb-severity' });
        this.link = h('a', {
            class: 'wb-row-link', href: calls.address(id), 'data-id': id,
            on: { click: (event) => follow(event, () => calls.open(id, event.detail === 0)) },
        }, this.severity, this.title, this.facts, this.sla, this.age);
        this.element = h('li', { class: 'wb-item' }, h('label', { class: 'wb-check' }, this.box), this.link);
        this.address = () => calls.address(id);
    }

    /** @param {Incident} incident */
    show(incident) {
        this.incident = incident;
        this.link.href = this.address();
        const { severity, title, id, status, owner, team, entities, signals } = incident;
        const whose = owner ? [owner] : ['unassigned', team];
        const facts = [isUpdateOverdue(incident) && 'update overdue', stateName(status), ...whose, affected(entities), ...fieldsInRow(incident), signals > 1 && plural(signals, 'signal'), id].filter(Boolean);
        const text = [severity, title, ...facts].join('\n');
        this.#gone = false;
        this.element.classList.remove('wb-gone');
        if (text !== this.#shown) {
            this.#shown = text;
            this.severity.className = `wb-severity wb-${severity}`;
            fill(this.severity, severity);
            fill(this.title, title);
            this.title.title = plain(title);
            this.box.setAttribute('aria-label', `Select ${id}: ${plain(title)}`);
            this.#showFacts(facts);
        }
        this.tick();
    }

    /** Show facts, as many as fit; the tooltip has all. */
    #showFacts(facts) {
        this.facts.title = plain(facts.join(' · '));
        fill(this.facts, facts.map((fact) => h('span', { class: fact === this.incident.id && 'wb-row-id' }, h('span', { class: 'wb-dot', 'aria-hidden': 'true' }, '· '), h('bdi', {}, fact), ' ')));
    }

    /** Mark an incident that the list no longer has; its row stays until the list is shown anew. */
    markGone() {
        this.element.classList.add('wb-gone');
        this.#gone = true;
        this.#shown = '';
        this.#showFacts(['No longer in this list', this.incident.id]);
        fill(this.sla);
    }

    tick() {
        if (this.#gone) return;
        const { state, text, brief } = serviceLevel(this.incident);
        this.sla.className = `wb-sla wb-sla-${state || 'none'}`;
        this.sla.title = text;
        fill(this.sla, brief);
        fill(this.ago, span(now() - this.incident.opened_at));
    }

    mark(on) {
        this.element.classList.toggle('wb-chosen', on);
        if (on) this.link.setAttribute('aria-current', 'true');
        else this.link.removeAttribute('aria-current');
    }

    select(on) {
        this.box.checked = on;
        this.element.classList.toggle('wb-selected', on);
    }

    focus() {
        this.link.focus({ preventScroll: true });
        this.element.scrollIntoView({ block: 'nearest' });
    }
}

/** The affected entities: their names, or their number if the names are long. */
function affected(entities = []) {
    const named = abbreviate(entities);
    return entities.length > 1 && named.length > MOST_LETTERS ? `${entities.length} affected` : named;
}

/** Run `act`, unless the click opens another tab or window. */
function follow(event, act) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    act();
}
