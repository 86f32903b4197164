/**
 * The page's address holds the filters and the chosen incident: it can be shared, and the browser's
 * back button undoes one step.
 */

import { fieldFilters, joined } from './fields.js';
import { now } from './format.js';

export const DEFAULTS = { status: 'open', severity: '', team: '', owner: '', sla: '', opened: '', text: '', fields: '', sort: '-severity' };
/** Incidents of a page of the list. */
export const PAGE_SIZE = 50;
/** The most incidents that are listed: whoever looks for others narrows the filters. */
export const MAX_SHOWN = 500;
// What is read of each: a row's facts, what bulk actions look at, what the forms suggest, and the version.
const LISTED = [
    'title', 'status', 'severity', 'owner', 'team', 'entities', 'rules', 'signals', 'head',
    'fields', 'opened_at', 'acknowledged_at', 'resolved_at', 'sla_status', 'sla_ack_due', 'sla_resolve_due', 'update_due',
].join();
/** Spans that `opened` may name, in seconds. */
const SPANS = { '24h': 86_400, '7d': 604_800, '30d': 2_592_000 };
const FIELD = 'field.';
const SORTS = new Set(['-severity', 'sla_due', '-opened_at', 'opened_at', '-updated_at', '-signals']);

/**
 * @typedef {{status: string, severity: string, team: string, owner: string, sla: string, opened: string, text: string, fields: string, sort: string}} Filters `fields`: see {@link fieldFilters}
 */

/**
 * What the address says.
 * @returns {{filters: Filters, incident: string, tab: string, held: boolean, rows: number}} `held`: what
 *     is held back is shown instead of an incident; `rows`: how many incidents are listed, 0 unless said
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
 * The address of a state of the page.
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
 * The address of the page as it is, with so many incidents listed.
 * @param {number} rows 0 for as many as at first
 */
export function withRows(rows) {
    const query = new URLSearchParams(location.search);
    query.delete('rows');
    if (rows) query.set('rows', rows);
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : '');
}

/**
 * The query of `GET /incidents` for some filters.
 * @param {Filters} filters
 * @param {string} me who `me` is
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

/** How many are listed when the address says so many. */
export const shownAtFirst = (rows) => Math.min(MAX_SHOWN, Math.max(PAGE_SIZE, rows));

/** The query of `GET /incidents` for the rows of a list, as {@link queryOf}. */
export const listQuery = (filters, me) => ({ ...queryOf(filters, me), fields: LISTED });
