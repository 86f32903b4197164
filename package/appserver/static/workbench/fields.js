/**
 * Custom fields: what an incident shows of them, the forms that set them, and the filters by them.
 */

import { h } from './dom.js';

// A longer value has a line of its own, or is cut in a row.
const MOST_LETTERS = 36;
const MOST_IN_A_ROW = 28;
const MOST_TYPED = 500;
// Of more that may be left empty a new incident's form shows none at first.
const MOST_AT_ONCE = 3;
// A comma of a value, and a backslash, has a backslash before it, as the API takes it.
const FILTER = /(?:\\[\\,]|[^,])+/g;

/**
 * @typedef {{name: string, label: string, kind: string, options: string[], help: string, severity: string, team: string, required: boolean, shown: string[]}} CustomField as `GET /fields` has it
 */

/** @type {CustomField[]|null} null until they were read */
let known = null;

/**
 * Take what fields there are.
 * @param {CustomField[]} fields
 * @returns {boolean} whether they are others than before
 */
export function setDefinitions(fields) {
    const before = JSON.stringify(known);
    known = fields;
    return JSON.stringify(known) !== before;
}

/** Whether there are any. */
export const hasFields = () => defined().length > 0;

const defined = () => known ?? [];
const labelOf = (name) => defined().find((one) => one.name === name)?.label ?? name.replaceAll('_', ' ');
const optionsOf = ({ kind, options }) => kind === 'yes_no' ? ['yes', 'no'] : options;
const isChosen = ({ kind }) => kind === 'choice' || kind === 'yes_no';
/** An incident's own value: every object has something under names such as constructor. */
const valueOf = ({ fields = {} }, name) => Object.hasOwn(fields, name) ? fields[name] : '';
const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text);

/** Whether a field is asked for on an incident: the patterns are those of the routing, in any case. */
const fits = ({ severity, team }, incident) => matches(severity, incident.severity) && matches(team, incident.team);

const matches = (patterns, value) => patterns.split(',').map((one) => one.trim()).filter(Boolean).some((one) => patternOf(one).test(value ?? ''));

function patternOf(text) {
    const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^]*').replaceAll('?', '[^]');
    return new RegExp(`^${escaped}$`, 'i');
}

/** The form's questions for some fields, with what an incident has. */
function questions(fields, incident, choices) {
    return fields.map((one) => {
        const value = valueOf(incident, one.name);
        const asked = { name: `field.${one.name}`, label: one.label, help: one.help, value };
        if (isChosen(one)) {
            const options = optionsOf(one).map((option) => [option, option]);
            // A value that is no option any more stays until somebody chooses another.
            if (value && !options.some(([option]) => option === value)) options.push([value, `${value} (no option any more)`]);
            return { ...asked, kind: 'select', options: [['', 'not set'], ...options] };
        }
        // What was no day when the field had another kind is not lost in an input that takes days alone.
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
    id: 'fields', label: 'Set fields', key: 'v', capability: 'incident_write', method: 'PUT',
    offered: hasFields,
    blocked: (i) => askedOf(i).length ? '' : 'No field is asked for on an incident like this.',
    fields: (i, choices) => questions(askedOf(i), i, choices),
    path: (i) => `incidents/${encodeURIComponent(i.id)}`,
    // A PATCH does not reach the API on every Splunk.
    body: (values, i) => ({ title: i.title, severity: i.severity, description: i.description ?? '', owner: i.owner ?? '', team: i.team ?? '', fields: changed(values, i) }),
    done: (i) => `The fields of ${i.id} are set.`,
};

/** What is asked of a new incident: of its severity; its team is not known yet. */
export function openingQuestions(choices) {
    const folds = defined().filter((one) => !one.required).length > MOST_AT_ONCE;
    return questions(defined(), {}, choices).map((asked, place) => {
        const one = defined()[place];
        const teams = one.team.split(',').map((team) => team.trim()).filter(Boolean);
        return {
            ...asked,
            help: [one.help, !teams.includes('*') && `Asked for in team ${teams.join(', ')}.`].filter(Boolean).join(' '),
            folds: folds && !one.required,
            mark: one.required && 'needed before it is resolved',
            asked: ({ severity }) => matches(one.severity, severity),
        };
    });
}

/** What a resolve asks besides: the fields that it needs and lacks. */
export const neededFields = (incident, choices) => questions(incident ? lacking(incident) : [], incident, choices).map((one) => ({ ...one, required: true }));

const lacking = (incident) => defined().filter((one) => one.required && !valueOf(incident, one.name) && fits(one, incident));

/** A body with a form's fields in it. */
export function withFields(values) {
    const rest = Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith('field.')));
    const fields = changed(values, {});
    return Object.keys(fields).length ? { ...rest, fields } : rest;
}

/**
 * Facts of an incident: its values, each a link to all that have the same, and what is needed.
 * @param {Object<string, any>} incident
 * @param {function(string): string} listOf the address of the incidents with such a value
 * @param {function(): void} [set] opens the form
 */
export function fieldFacts(incident, listOf, set) {
    const names = [...defined().map((one) => one.name), ...Object.keys(incident.fields ?? {}).sort()];
    const rows = [...new Set(names)].filter((name) => valueOf(incident, name)).map((name) => {
        const value = valueOf(incident, name);
        const gone = known && !known.some((one) => one.name === name);
        const link = h('a', { href: listOf(joined([[name, value]])), title: 'All incidents with the same' }, value);
        return [`${labelOf(name)}${gone ? ' (no longer defined)' : ''}`, value.length > MOST_LETTERS ? [link] : link];
    });
    const wanted = lacking(incident).map((one) => [one.label, set
        ? h('button', { type: 'button', class: 'wb-quiet', 'data-place': `field-${one.name}`, title: 'It is needed before the incident is resolved', on: { click: set } }, 'needed: set it')
        : 'not set']);
    return [...rows, ...wanted];
}

/** What a row of the list says of them. */
export function fieldsInRow(incident) {
    return defined().filter((one) => one.shown.includes('list')).map(({ name, label }) => [label, valueOf(incident, name)])
        .filter(([, value]) => value)
        .map(([label, value]) => `${label}: ${value.length > MOST_IN_A_ROW ? `${value.slice(0, MOST_IN_A_ROW)} …` : value}`);
}

/** The form that sets one field of many incidents. */
export const bulkQuestions = () => [
    { name: 'field', label: 'Field', kind: 'select', options: defined().map(({ name, label }) => [name, label]) },
    { name: 'value', label: 'Value', suggestions: [...new Set(defined().filter(isChosen).flatMap(optionsOf))].map((one) => [one, '']), help: 'Left empty, what they have is taken away.' },
];

/** What such a form takes of the field that is chosen. */
export function bulkEffects({ field, value }) {
    const one = defined().find(({ name }) => name === field);
    if (!one) return [];
    const takes = isChosen(one) ? `one of ${optionsOf(one).join(', ')}` : { number: 'a number', date: 'a day, such as 2026-12-01', person: 'the name of a user' }[one.kind];
    return [value ? takes && `${one.label} takes ${takes}.` : `${one.label} is taken away.`].filter(Boolean);
}

/**
 * The filters by fields: name -> value.
 * @param {string} text such as `region=eu,vendor_case=17`
 */
export function fieldFilters(text) {
    return new Map((text.match(FILTER) ?? []).map((part) => {
        const place = part.indexOf('=');
        return [part.slice(0, place), part.slice(place + 1).replace(/\\([\\,])/g, '$1')];
    }));
}

/** The same as one text. */
export const joined = (filters) => [...filters].filter(([, value]) => value).map(([name, value]) => `${name}=${value.replace(/[\\,]/g, '\\$&')}`).join(',');

/**
 * The choices of the filter bar: of the fields that the list shows, and of those that it is narrowed by.
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
