/**
 * Times, spans and states as people read them.
 */

import { isZone, nextOf } from './zones.js';

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];
const OPEN = ['new', 'assigned', 'in_progress'];

const STATES = {
    new: 'New',
    assigned: 'Assigned',
    in_progress: 'In progress',
    resolved: 'Resolved',
    closed: 'Closed',
};
export const FEEDBACK = {
    true_positive: 'A real problem',
    false_positive: 'A false alarm',
    duplicate: 'A duplicate',
};

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** @returns {number} now, in epoch seconds */
export const now = () => Date.now() / 1000;

/** @param {{status: string}} incident */
export const isOpen = (incident) => OPEN.includes(incident.status);

/** @param {string} status */
export const stateName = (status) => STATES[status] ?? status;

/**
 * A span as one number and its unit.
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
    const length = Math.max(0, seconds);
    if (length < 2 * MINUTE) return `${Math.round(length)} s`;
    if (length < 2 * HOUR) return `${Math.round(length / MINUTE)} min`;
    if (length < 2 * DAY) return `${Math.round(length / HOUR)} h`;
    return `${Math.round(length / DAY)} d`;
}

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const DAY_OF_YEAR = { day: 'numeric', month: 'short' };
const DATE = { ...DAY_OF_YEAR, year: 'numeric' };
let formats = inZone();

/** How times are shown in a time zone. To make these takes longer than to use them. */
function inZone(timeZone) {
    const format = (how, language = 'en') => new Intl.DateTimeFormat(language, { ...how, timeZone });
    return {
        time: format(CLOCK, []), day: format(DAY_OF_YEAR), date: format(DATE), year: format({ year: 'numeric' }),
        whole: format({ ...DATE, ...CLOCK, timeZoneName: 'short' }),
    };
}

/**
 * Tell times by the zone that the user has chosen in Splunk, as its own pages and the dashboards do.
 * @param {string} [name] of the zone database; where it is empty or not known here, the browser's zone
 */
export function useTimeZone(name) {
    try {
        formats = inZone(name || undefined);
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
    }
}

/** @returns {string} the zone that times are shown in */
export const timeZone = () => formats.time.resolvedOptions().timeZone;

/**
 * A moment: the time alone for today, else with the day.
 * @param {number} [seconds] epoch seconds
 * @returns {string}
 */
export function moment(seconds) {
    if (!seconds) return '';
    const date = new Date(seconds * 1000);
    const time = formats.time.format(date);
    const today = new Date();
    if (formats.date.format(date) === formats.date.format(today)) return time;
    const sameYear = formats.year.format(date) === formats.year.format(today);
    return `${(sameYear ? formats.day : formats.date).format(date)}, ${time}`;
}

/** A moment of a plan, such as a rota's: without its seconds. */
export const shortMoment = (seconds) => moment(seconds).replace(/[:.]\d\d$/, '');

/**
 * A moment with its day, year and time zone.
 * @param {number} [seconds] epoch seconds
 * @returns {string}
 */
export function fullMoment(seconds) {
    return seconds ? formats.whole.format(new Date(seconds * 1000)) : '';
}

/**
 * A number with its noun.
 * @param {number} count
 * @param {string} noun in the singular
 */
export function plural(count, noun) {
    return `${Number(count).toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * The first names of a list, and how many more there are.
 * @param {string[]} [names]
 * @param {number} most
 */
export function abbreviate(names = [], most = 2) {
    const rest = names.length - most;
    return names.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/**
 * How an incident stands with what was promised.
 * @param {Object<string, any>} incident
 * @returns {{state: ''|'ok'|'warning'|'breached'|'met'|'missed', text: string, brief: string}}
 */
export function serviceLevel(incident) {
    const state = incident.sla_status ?? '';
    if (!isOpen(incident)) {
        const text = { met: 'SLA met', missed: 'SLA missed' }[state] ?? '';
        return { state, text, brief: text };
    }
    const waits = !incident.acknowledged_at && incident.sla_ack_due;
    const due = waits ? incident.sla_ack_due : incident.sla_resolve_due;
    if (!due) return { state: '', text: '', brief: '' };
    const left = due - now();
    const what = waits ? 'acknowledge' : 'resolve';
    if (left < 0) return { state: 'breached', text: `${what}: ${span(-left)} late`, brief: `${span(-left)} late` };
    const brief = `due in ${span(left)}`;
    return { state: state === 'breached' ? 'warning' : state || 'ok', text: `${what}: ${brief}`, brief };
}

/**
 * Who has an incident.
 * @param {{owner?: string, team?: string}} incident
 */
export function ownerOf({ owner, team }) {
    if (owner) return owner;
    return team ? `nobody (${team})` : 'nobody';
}

/** With a capital letter at its beginning. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Whether a window of the calendar is past: a suppression's, or a change freeze's. */
export const isOver = (one) => one.ends_at > 0 && one.ends_at <= now();

/** The days, times of day and zone of a weekly one. */
export function describeWeekly({ days, from_time = '00:00', to_time = '00:00', time_zone }) {
    const whole = from_time === '00:00' ? ', all day' : ` from ${from_time} for 24 hours`;
    return `${days.join(', ')}${from_time === to_time ? whole : ` from ${from_time} to ${to_time}`} (${time_zone})`;
}

/** When such a window is in force. A weekly one is described as it was named, and when it comes next by one's own clock. */
export function describeWindow(one) {
    const named = one.days?.length > 0 && describeWeekly(one);
    const begins = one.starts_at > now() && `from ${shortMoment(one.starts_at)}`;
    const ends = one.ends_at ? `${isOver(one) ? 'over since' : 'until'} ${shortMoment(one.ends_at)}` : !named && 'until somebody ends it';
    return [named, begins, ends, named && !isOver(one) && describeNext(one)].filter(Boolean).join(', ');
}

function describeNext(one) {
    if (!isZone(one.time_zone)) return ''; // Splunk's machine knows zones that a browser does not
    const next = nextOf(one, now());
    return next && `${next[0] <= now() ? 'now' : `next ${shortMoment(next[0])}`} until ${shortMoment(next[1])}${one.time_zone === timeZone() ? '' : ` (${timeZone()})`}`;
}
