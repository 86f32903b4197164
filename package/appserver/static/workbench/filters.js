/**
 * The filter bar above the list.
 */

import { DEFAULTS } from './address.js';
import { fill, h } from './dom.js';
import { joined, offeredFilters } from './fields.js';

const TYPING_MS = 300;
// The most letters of a label in one column of the filters, and in two.
const SHORT_LABEL = 8;
const WIDE_LABEL = 24;

const CHOICES = {
    status: ['Status', [
        ['open', 'Open'], ['new', 'New'], ['assigned', 'Assigned'], ['in_progress', 'In progress'],
        ['resolved', 'Resolved'], ['closed', 'Closed'], ['review_due', 'Review due'], ['all', 'Any status'],
    ]],
    severity: ['Severity', [
        ['', 'Any severity'], ['critical', 'Critical'], ['critical,high', 'High and above'], ['high', 'High'],
        ['critical,high,medium', 'Medium and above'], ['medium', 'Medium'], ['low,info', 'Low and info'],
    ]],
    team: ['Team', [['', 'Any team']]],
    owner: ['Owner', [['', 'Any owner'], ['me', 'Mine'], ['nobody', 'Unassigned']]],
    sla: ['Service level', [['', 'Any SLA'], ['breached', 'SLA breached'], ['warning,breached', 'SLA at risk'], ['missed,breached', 'SLA missed']]],
    opened: ['Opened', [['', 'Any time'], ['24h', 'Last 24 hours'], ['7d', 'Last 7 days'], ['30d', 'Last 30 days']]],
    sort: ['Order', [
        ['-severity', 'Most severe'], ['sla_due', 'Next deadline'], ['-opened_at', 'Newest first'],
        ['opened_at', 'Oldest first'], ['-updated_at', 'Last changed'], ['-signals', 'Most signals'],
    ]],
};

export class FilterBar {
    #selects = new Map();
    #fields = new Map(); // selects of custom fields
    #search;
    #timer = 0;

    /**
     * @param {import('./address.js').Filters} filters
     * @param {function(import('./address.js').Filters): void} changed
     * @param {...Node} beside buttons at the end of the first row
     */
    constructor(filters, changed, ...beside) {
        this.changed = changed;
        this.#search = h('input', {
            type: 'search', class: 'wb-search', placeholder: 'Search …', title: 'Title, description, id, host, service, detection, tag (/)', 'aria-label': 'Search', maxlength: 200,
            on: { input: () => this.#typed() },
        });
        for (const [name, [label, options]] of Object.entries(CHOICES)) {
            const select = h('select', { 'aria-label': label, name, on: { change: () => this.#emit() } });
            this.#selects.set(name, select);
            this.#offer(name, options);
        }
        const clear = h('button', { type: 'button', class: 'wb-quiet', on: { click: () => this.#clear() } }, 'Clear');
        this.clear = clear;
        // In a narrow window the filters are folded, with a count of those set, so that the list comes first.
        this.unfold = h('button', { type: 'button', class: 'wb-quiet wb-unfold-filters', 'aria-expanded': 'false', on: { click: () => this.#turn() } });
        this.element = h('div', { class: 'wb-filters', role: 'search', 'aria-label': 'Filters' },
            h('div', { class: 'wb-search-row' }, this.#search, this.unfold, beside),
            h('div', { class: 'wb-selects' }, [...this.#selects.values()], clear));
        this.show(filters);
    }

    /** Offer these teams, these people as owners, and the custom fields. */
    offer({ teams, people, me }) {
        this.#offer('team', [...CHOICES.team[1], ...teams.map((team) => [team, team])]);
        this.#offer('owner', [...CHOICES.owner[1], ...people.filter((one) => one !== me).map((one) => [one, one])]);
        this.#offerFields(joined(this.#setFields()));
    }

    /** @param {import('./address.js').Filters} filters */
    show(filters) {
        for (const [name, select] of this.#selects) {
            if (![...select.options].some((option) => option.value === filters[name])) {
                select.append(h('option', { value: filters[name] }, filters[name]));
            }
            select.value = filters[name];
            select.classList.toggle('wb-set', filters[name] !== DEFAULTS[name]);
        }
        this.#offerFields(filters.fields);
        clearTimeout(this.#timer);
        // While the user types, the field keeps what was typed, also a space at the end.
        if (this.#search.value.trim() !== filters.text) this.#search.value = filters.text;
        const set = [...this.#selects.keys()].filter((name) => filters[name] !== DEFAULTS[name]).length + this.#setFields().length;
        fill(this.unfold, 'Filters', set > 0 && ` (${set})`);
        this.clear.hidden = Object.entries(DEFAULTS).every(([name, value]) => filters[name] === value);
    }

    focus() {
        this.#search.focus();
        this.#search.select();
    }

    #turn() {
        const open = this.element.classList.toggle('wb-unfolded');
        this.unfold.setAttribute('aria-expanded', String(open));
    }

    #offer(name, options) {
        const select = this.#selects.get(name);
        const chosen = select.value;
        const known = !chosen || options.some(([value]) => value === chosen) ? options : [...options, [chosen, chosen]];
        select.replaceChildren(...known.map(([value, text]) => h('option', { value }, text)));
        select.value = chosen;
    }

    /** The custom fields that are set as filters: name and value. */
    #setFields() {
        return [...this.#fields].map(([name, select]) => [name, select.value]).filter(([, value]) => value);
    }

    #offerFields(text) {
        const offered = offeredFilters(text);
        for (const [name, select] of this.#fields) {
            if (offered.some((one) => one.name === name)) continue;
            select.remove();
            this.#fields.delete(name);
        }
        for (const { name, label, value, options } of offered) {
            const select = this.#fields.get(name) ?? h('select', { name: `field.${name}`, on: { change: () => this.#emit() } });
            select.setAttribute('aria-label', label);
            select.title = value ? `${label}: ${value}` : label;
            select.classList.toggle('wb-wide', label.length > SHORT_LABEL);
            select.classList.toggle('wb-widest', label.length > WIDE_LABEL);
            // The value comes first, as there is little room.
            select.replaceChildren(h('option', { value: '' }, `Any ${label}`), ...options.map((one) => h('option', { value: one }, `${one} (${label})`)));
            select.value = value;
            select.classList.toggle('wb-set', Boolean(value));
            if (!this.#fields.has(name)) this.clear.before(select);
            this.#fields.set(name, select);
        }
    }

    #typed() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#emit(), TYPING_MS);
    }

    #clear() {
        this.#search.value = '';
        this.changed({ ...DEFAULTS });
    }

    #emit() {
        clearTimeout(this.#timer);
        const filters = { text: this.#search.value.trim() };
        for (const [name, select] of this.#selects) filters[name] = select.value;
        filters.fields = joined(this.#setFields());
        this.changed(filters);
    }
}
