/**
 * The page's address holds the filters and the open incident, so that it can be shared, and the browser's back button
 * returns one step.
 */

import { fieldFilters, joined } from './fields.js';
import { now } from './format.js';

export const DEFAULTS = { status: 'open', severity: '', team: '', owner: '', sla: '', opened: '', text: '', fields: '', sort: '-severity' };
/** Incidents of a page of the list. */
export const PAGE_SIZE = 50;
/** The most incidents that are listed; the filters narrow the list to others. */
export const MAX_SHOWN = 500;
// The fields read of each incident: for rows, bulk actions, suggestions in forms, and the version (head).
const LISTED = [
    'title', 'status', 'severity', 'owner', 'team', 'entities', 'rules', 'signals', 'head',
    'fields', 'opened_at', 'acknowledged_at', 'resolved_at', 'sla_status', 'sla_ack_due', 'sla_resolve_due', 'update_due',
].join();
/** The spans of the filter `opened`, in seconds. */
const SPANS = { '24h': 86_400, '7d': 604_800, '30d': 2_592_000 };
const FIELD = 'field.';
const SORTS = new Set(['-severity', 'sla_due', '-opened_at', 'opened_at', '-updated_at', '-signals']);

/**
 * @typedef {{status: string, severity: string, team: string, owner: string, sla: string, opened: string, text: string, fields: string, sort: string}} Filters `fields`: see {@link fieldFilters}
 */

/**
 * Parse the page's address.
 * @returns {{filters: Filters, incident: string, tab: string, held: boolean, rows: number}} `held`: the suppressions
 *     are shown instead of an incident; `rows`: how many incidents are listed, 0 if not given
 */
export function readAddress() {
    const query = new URLSearchParams(location.search);
    const filters = { ...DEFAULTS };
    for (const name of Object.keys(DEFAULTS)) {
        if (query.has(name)) filters[name] = query.get(name);
    }
    filters.fields = joined([...query].filter(([name]) => name.startsWith(FIELD)).map(([name, value]) => [name.slice(FIELD.length), value]));
    if (!SORTS.has(filters.sort)) filters.sort = DEFAULTS.sort;
    if (!SPANS[filters.opened]) filters.opened = '';
    if (query.has('detection')) filters.text = query.get('detection'); // as the overview's links have it
    const incident = (query.get('incident') ?? '').trim().toUpperCase(); // as every id is written
    return { filters, incident, tab: query.get('tab') ?? '', held: !incident && query.get('view') === 'held', rows: Number.parseInt(query.get('rows'), 10) || 0 };
}

/**
 * Return the address of a state of the page.
 * @param {Filters} filters
 * @param {string} [incident]
 * @param {string} [tab]
 * @param {boolean} [held]
 * @returns {string} path and query
 */
export function addressOf(filters, incident = '', tab = '', held = false) {
    const query = new URLSearchParams(location.search);
    const said = { incident, tab, view: held ? 'held' : '' };
    for (const [name, standard] of Object.entries(DEFAULTS)) {
        said[name] = filters[name] === standard ? '' : filters[name];
    }
    delete said.fields;
    for (const name of [...query.keys()]) if (name.startsWith(FIELD)) query.delete(name);
    for (const [name, value] of fieldFilters(filters.fields)) said[FIELD + name] = value;
    query.delete('detection');
    for (const [name, value] of Object.entries(said)) {
        query.delete(name);
        if (value) query.set(name, value);
    }
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : '');
}

/**
 * Return the present address with another number of listed incidents.
 * @param {number} rows 0 for the default
 */
export function withRows(rows) {
    const query = new URLSearchParams(location.search);
    query.delete('rows');
    if (rows) query.set('rows', rows);
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : '');
}

/**
 * Return the query of `GET /incidents` for filters.
 * @param {Filters} filters
 * @param {string} me the user, for the owner `me`
 */
export function queryOf(filters, me) {
    const { status, severity, team, owner, sla, opened, text, fields, sort } = filters;
    return {
        status: ['all', 'review_due'].includes(status) ? '' : status,
        review: status === 'review_due' ? 'due' : '',
        severity,
        team,
        owner: owner === 'me' ? me : owner,
        sla_status: sla,
        opened_after: opened ? Math.round(now() - SPANS[opened]) : '',
        text,
        field: fields,
        sort,
    };
}

/** How many incidents to list at first, for the number in the address. */
export const shownAtFirst = (rows) => Math.min(MAX_SHOWN, Math.max(PAGE_SIZE, rows));

/** As {@link queryOf}, with the fields of the list's rows. */
export const listQuery = (filters, me) => ({ ...queryOf(filters, me), fields: LISTED });
