/**
 * Custom fields: their facts, forms and filters.
 */

import { h } from './dom.js';

// A longer value gets its own line in the facts, and is cut in a row of the list.
const MOST_LETTERS = 36;
const MOST_IN_A_ROW = 28;
const MOST_TYPED = 500;
// If there are more optional fields, the form of a new incident folds them away.
const MOST_AT_ONCE = 3;
// Commas and backslashes in a value are escaped with a backslash, as the API requires.
const FILTER = /(?:\\[\\,]|[^,])+/g;

/**
 * @typedef {{name: string, label: string, kind: string, options: string[], help: string, severity: string, team: string, required: boolean, shown: string[]}} CustomField as `GET /fields` has it
 */

/** @type {CustomField[]|null} null until they are read */
let known = null;

/**
 * Set the definitions of the custom fields.
 * @param {CustomField[]} fields
 * @returns {boolean} whether they have changed
 */
export function setDefinitions(fields) {
    const before = JSON.stringify(known);
    known = fields;
    return JSON.stringify(known) !== before;
}

/** Whether any custom fields are defined. */
export const hasFields = () => defined().length > 0;

const defined = () => known ?? [];
const labelOf = (name) => defined().find((one) => one.name === name)?.label ?? name.replaceAll('_', ' ');
const optionsOf = ({ kind, options }) => kind === 'yes_no' ? ['yes', 'no'] : options;
const isChosen = ({ kind }) => kind === 'choice' || kind === 'yes_no';
/** An incident's value. Object.hasOwn, as a field may be called `constructor`. */
const valueOf = ({ fields = {} }, name) => Object.hasOwn(fields, name) ? fields[name] : '';
const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text);

/** Whether a field applies to an incident, by the routing's patterns, which ignore case. */
const fits = ({ severity, team }, incident) => matches(severity, incident.severity) && matches(team, incident.team);

const matches = (patterns, value) => patterns.split(',').map((one) => one.trim()).filter(Boolean).some((one) => patternOf(one).test(value ?? ''));

function patternOf(text) {
    const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^]*').replaceAll('?', '[^]');
    return new RegExp(`^${escaped}$`, 'i');
}

/** Form fields for some custom fields, filled with an incident's values. */
function questions(fields, incident, choices) {
    return fields.map((one) => {
        const value = valueOf(incident, one.name);
        const asked = { name: `field.${one.name}`, label: one.label, help: one.help, value };
        if (isChosen(one)) {
            const options = optionsOf(one).map((option) => [option, option]);
            // A value that is no longer an option stays until it is changed.
            if (value && !options.some(([option]) => option === value)) options.push([value, `${value} (no longer an option)`]);
            return { ...asked, kind: 'select', options: [['', 'not set'], ...options] };
        }
        // A date input would drop a value from when the field had another kind.
        if (one.kind === 'date' && (!value || isDay(value))) return { ...asked, kind: 'date' };
        if (one.kind === 'person') return { ...asked, suggestions: choices.people.map((person) => [person, '']) };
        return { ...asked, most: MOST_TYPED };
    });
}

/** The values of a form that differ from an incident's, by field. */
function changed(values, incident) {
    const given = Object.entries(values).filter(([name]) => name.startsWith('field.')).map(([name, value]) => [name.slice('field.'.length), value]);
    return Object.fromEntries(given.filter(([name, value]) => value !== valueOf(incident, name)));
}

const askedOf = (incident) => defined().filter((one) => fits(one, incident) || valueOf(incident, one.name));

/** @type {import('./actions.js').Action} */
export const FIELDS = {
    id: 'fields', label: 'Set fields', submit: 'Save', key: 'v', capability: 'incident_write', method: 'PUT',
    offered: hasFields,
    blocked: (i) => askedOf(i).length ? '' : 'No custom field applies to this incident.',
    fields: (i, choices) => questions(askedOf(i), i, choices),
    path: (i) => `incidents/${encodeURIComponent(i.id)}`,
    // PUT, as PATCH does not reach the API on every Splunk version.
    body: (values, i) => ({ title: i.title, severity: i.severity, description: i.description ?? '', owner: i.owner ?? '', team: i.team ?? '', fields: changed(values, i) }),
    done: (i) => `Fields of ${i.id} saved.`,
};

/** The fields of a new incident's form, by severity; its team is not known yet. */
export function openingQuestions(choices) {
    const folds = defined().filter((one) => !one.required).length > MOST_AT_ONCE;
    return questions(defined(), {}, choices).map((asked, place) => {
        const one = defined()[place];
        const teams = one.team.split(',').map((team) => team.trim()).filter(Boolean);
        return {
            ...asked,
            help: [one.help, !teams.includes('*') && `For team ${teams.join(', ')}.`].filter(Boolean).join(' '),
            folds: folds && !one.required,
            mark: one.required && 'required to resolve',
            asked: ({ severity }) => matches(one.severity, severity),
        };
    });
}

/** The extra fields of the resolve form: those that are required and not set. */
export const neededFields = (incident, choices) => questions(incident ? lacking(incident) : [], incident, choices).map((one) => ({ ...one, required: true }));

const lacking = (incident) => defined().filter((one) => one.required && !valueOf(incident, one.name) && fits(one, incident));

/** Return a request body with the form's custom fields under `fields`. */
export function withFields(values) {
    const rest = Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith('field.')));
    const fields = changed(values, {});
    return Object.keys(fields).length ? { ...rest, fields } : rest;
}

/**
 * Facts of an incident: its values, each a link to all incidents with the same, and missing required fields.
 * @param {Object<string, any>} incident
 * @param {function(string): string} listOf the address of the list filtered by a value
 * @param {function(): void} [set] opens the form
 */
export function fieldFacts(incident, listOf, set) {
    const names = [...defined().map((one) => one.name), ...Object.keys(incident.fields ?? {}).sort()];
    const rows = [...new Set(names)].filter((name) => valueOf(incident, name)).map((name) => {
        const value = valueOf(incident, name);
        const gone = known && !known.some((one) => one.name === name);
        const link = h('a', { href: listOf(joined([[name, value]])), title: 'Show all incidents with this value' }, value);
        return [`${labelOf(name)}${gone ? ' (no longer defined)' : ''}`, value.length > MOST_LETTERS ? [link] : link];
    });
    const wanted = lacking(incident).map((one) => [one.label, set
        ? h('button', { type: 'button', class: 'wb-quiet', 'data-place': `field-${one.name}`, title: 'Required to resolve the incident', on: { click: set } }, 'required: set')
        : 'not set']);
    return [...rows, ...wanted];
}

/** The custom fields in a row of the list. */
export function fieldsInRow(incident) {
    return defined().filter((one) => one.shown.includes('list')).map(({ name, label }) => [label, valueOf(incident, name)])
        .filter(([, value]) => value)
        .map(([label, value]) => `${label}: ${value.length > MOST_IN_A_ROW ? `${value.slice(0, MOST_IN_A_ROW)} …` : value}`);
}

/** The form that sets one field of many incidents. */
export const bulkQuestions = () => [
    { name: 'field', label: 'Field', kind: 'select', options: defined().map(({ name, label }) => [name, label]) },
    { name: 'value', label: 'Value', suggestions: [...new Set(defined().filter(isChosen).flatMap(optionsOf))].map((one) => [one, '']), help: 'If empty, the field is cleared.' },
];

/** What the form says of the chosen field: the values it accepts, or that it will be cleared. */
export function bulkEffects({ field, value }) {
    const one = defined().find(({ name }) => name === field);
    if (!one) return [];
    const takes = isChosen(one) ? `one of ${optionsOf(one).join(', ')}` : { number: 'a number', date: 'a date such as 2026-12-01', person: 'a user name' }[one.kind];
    return [value ? takes && `${one.label} accepts ${takes}.` : `${one.label} is cleared.`].filter(Boolean);
}

/**
 * Parse filters by custom fields: name -> value.
 * @param {string} text such as `region=eu,vendor_case=17`
 */
export function fieldFilters(text) {
    return new Map((text.match(FILTER) ?? []).map((part) => {
        const place = part.indexOf('=');
        return [part.slice(0, place), part.slice(place + 1).replace(/\\([\\,])/g, '$1')];
    }));
}

/** Format such filters as one text. */
export const joined = (filters) => [...filters].filter(([, value]) => value).map(([name, value]) => `${name}=${value.replace(/[\\,]/g, '\\$&')}`).join(',');

/**
 * The custom fields of the filter bar: those that the list shows, and those that are set as filters.
 * @param {string} text
 * @returns {{name: string, label: string, value: string, options: string[]}[]}
 */
export function offeredFilters(text) {
    const set = fieldFilters(text);
    const shown = defined().filter((one) => isChosen(one) && one.shown.includes('list')).map((one) => one.name);
    return [...new Set([...shown, ...set.keys()])].map((name) => {
        const one = defined().find((each) => each.name === name);
        const value = set.get(name) ?? '';
        const options = one && isChosen(one) ? optionsOf(one) : [];
        return { name, label: labelOf(name), value, options: value && !options.includes(value) ? [...options, value] : options };
    });
}
