/**
 * The head of an incident: title, clocks and facts.
 */

import { addressOf, DEFAULTS } from './address.js';
import { linkTo } from './api.js';
import { h, runbookLink } from './dom.js';
import { fieldFacts, FIELDS } from './fields.js';
import { fullMoment, isOpen, moment, now, ownerOf, plural, serviceLevel, span, stateName } from './format.js';
import { roleFacts } from './tasks.js';
import { updateClock, updateFacts } from './updates.js';

// Facts that take a whole line.
const LONG = new Set(['Resolution', 'Merged into', 'Split from', 'Previous incident', 'Last update']);
// A longer text gets a whole line.
const MOST_LETTERS = 36;
// The most names shown; the others are folded away.
const MOST_NAMES = 8;

/**
 * Return the title, with badges and links.
 * @param {Object<string, any>} incident
 * @param {Element} clocksElement where its clocks are
 * @param {function(): void} leave back to the list
 */
export function heading(incident, clocksElement, leave) {
    return [
        h('div', { class: 'wb-row' },
            h('button', { type: 'button', class: 'wb-quiet wb-back', on: { click: leave } }, '‹ List'),
            h('span', { class: `wb-severity wb-${incident.severity}` }, incident.severity),
            h('span', { class: 'wb-state' }, stateName(incident.status)),
            h('span', { class: 'wb-id' }, incident.id),
            h('a', { href: dashboardOf(incident.id), 'data-place': 'dashboard', title: 'The incident on one page, to read, share or print' }, 'Dashboard'),
            h('a', { href: linkTo(`incidents/${encodeURIComponent(incident.id)}/report`), download: `${incident.id}.md`, 'data-place': 'report', title: 'Download the incident report as Markdown' }, 'Report'),
            incident.pinned && h('span', { class: 'wb-tag' }, 'pinned'),
            incident.flapping && h('span', { class: 'wb-tag' }, 'flapping'),
            incident.level > 0 && h('span', { class: 'wb-tag' }, `escalated to level ${incident.level}`),
            clocksElement),
        h('h1', { tabindex: -1 }, incident.title),
        incident.description && incident.description !== incident.title && h('p', { class: 'wb-description' }, incident.description),
    ];
}

/** The address of the view `incident`, beside this one. */
function dashboardOf(id) {
    const address = new URL('incident', location.href);
    address.searchParams.set('form.incident', id);
    return address.pathname + address.search;
}

/** How long the incident has lasted, and its next deadlines. */
export function clocks(incident) {
    const { state, text } = serviceLevel(incident);
    const lasted = (incident.resolved_at && !isOpen(incident) ? incident.resolved_at : now()) - incident.opened_at;
    return [
        `${isOpen(incident) ? 'open for' : 'took'} ${span(lasted)}`,
        text && ' · ', text && h('span', { class: `wb-sla wb-sla-${state || 'none'}` }, text),
        updateClock(incident),
    ];
}

/** The incident's facts. */
export function facts(incident, app) {
    const other = (id) => h('a', { href: app.addressOf(id) }, id);
    const rows = [
        ['Owner', ownerOf(incident)],
        ...roleFacts(incident),
        ['Team', incident.team],
        ['Opened', at(incident.opened_at)],
        ['Acknowledged', at(incident.acknowledged_at)],
        ['Resolved', !isOpen(incident) && at(incident.resolved_at)],
        ['Affects', names('entities', incident.entities ?? [])],
        ['Detections', names('rules', incident.rules ?? [])],
        ['Runbook', incident.runbook && runbookLink(incident.runbook)],
        ['Tags', names('tags', incident.tags ?? [])],
        ...fieldFacts(incident, (value) => addressOf({ ...DEFAULTS, status: 'all', fields: value }), app.mayWrite && (() => app.perform(FIELDS))),
        ['Signals', incident.signals > 0 && `${plural(incident.signals, 'signal')}, ${plural(incident.events ?? 0, 'event')}`],
        ...updateFacts(incident),
        ['Slack channel', incident.room?.state === 'opened' && roomOf(incident.room)],
        ['Merged into', incident.merged_into && other(incident.merged_into)],
        ['Merged in', incident.merged?.length > 0 && incident.merged.map((id, place) => [place ? ', ' : '', other(id)])],
        ['Split from', incident.split_from && other(incident.split_from)],
        ['Previous incident', incident.previous && other(incident.previous)],
        ['Resolution', !isOpen(incident) && [incident.category, incident.resolution].filter(Boolean).join(': ')],
    ].filter(([, value]) => value);
    const row = ([name, value]) => h('div', { class: isLong(name, value) ? 'wb-long' : null }, h('dt', {}, name), h('dd', {}, value));
    const long = rows.filter(([name, value]) => isLong(name, value));
    return h('dl', { class: 'wb-facts' }, rows.filter((one) => !long.includes(one)).map(row), long.map(row));
}

/** A link to a Slack channel that works in any workspace the user is signed in to. */
const roomOf = ({ channel, name }) => h('a', { href: `https://slack.com/app_redirect?channel=${encodeURIComponent(channel)}`, target: '_blank', rel: 'noopener' }, `#${name}`);

/** Whether a fact needs a whole line; such facts come after the others. */
function isLong(name, value) {
    return LONG.has(name) || Array.isArray(value) || (typeof value === 'string' && value.length > MOST_LETTERS);
}

const at = (time) => time && h('time', { datetime: new Date(time * 1000).toISOString(), title: fullMoment(time) }, moment(time));

/** Names; if there are many, the others are folded away. */
function names(place, all) {
    if (all.length <= MOST_NAMES + 1) return all.join(', ');
    return [all.slice(0, MOST_NAMES).join(', '), h('details', { class: 'wb-unfold' },
        h('summary', { 'data-place': `all-${place}` }, `and ${all.length - MOST_NAMES} more`), h('span', {}, all.slice(MOST_NAMES).join(', ')))];
}
