/**
 * Times, durations, states and counts as text.
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
    true_positive: 'Real problem',
    false_positive: 'False alarm',
    duplicate: 'Duplicate',
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
 * Format a duration as one number and its unit.
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

/** The formats of one time zone. They are kept, as making them takes longer than using them. */
function inZone(timeZone) {
    const format = (how, language = 'en') => new Intl.DateTimeFormat(language, { ...how, timeZone });
    return {
        time: format(CLOCK, []), day: format(DAY_OF_YEAR), date: format(DATE), year: format({ year: 'numeric' }),
        whole: format({ ...DATE, ...CLOCK, timeZoneName: 'short' }),
    };
}

/**
 * Show times in the time zone of the user's Splunk settings, as Splunk's own pages and dashboards do.
 * @param {string} [name] IANA name; if empty or unknown to the browser, the browser's zone is used
 */
export function useTimeZone(name) {
    try {
        formats = inZone(name || undefined);
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
    }
}

/** @returns {string} the time zone that times are shown in */
export const timeZone = () => formats.time.resolvedOptions().timeZone;

/**
 * Format a moment: today's as the time alone, others with the day.
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

/** Format a moment without its seconds, for planned times such as those of a rota. */
export const shortMoment = (seconds) => moment(seconds).replace(/[:.]\d\d$/, '');

/**
 * Format a moment with its day, year and time zone.
 * @param {number} [seconds] epoch seconds
 * @returns {string}
 */
export function fullMoment(seconds) {
    return seconds ? formats.whole.format(new Date(seconds * 1000)) : '';
}

/**
 * Format a count with its noun.
 * @param {number} count
 * @param {string} noun in the singular
 */
export function plural(count, noun) {
    return `${Number(count).toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * Join the first names of a list, and say how many more there are.
 * @param {string[]} [names]
 * @param {number} most
 */
export function abbreviate(names = [], most = 2) {
    const rest = names.length - most;
    return names.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/**
 * Return how an incident stands against its service level.
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
 * Return an incident's owner, else its team.
 * @param {{owner?: string, team?: string}} incident
 */
export function ownerOf({ owner, team }) {
    if (owner) return owner;
    return team ? `unassigned (${team})` : 'unassigned';
}

/** Capitalize the first letter. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Whether the window of a suppression, change freeze or cover has ended. */
export const isOver = (one) => one.ends_at > 0 && one.ends_at <= now();

/** Describe a weekly window: its days, times of day and time zone. */
export function describeWeekly({ days, from_time = '00:00', to_time = '00:00', time_zone }) {
    const whole = from_time === '00:00' ? ', all day' : ` from ${from_time} for 24 hours`;
    return `${days.join(', ')}${from_time === to_time ? whole : ` from ${from_time} to ${to_time}`} (${time_zone})`;
}

/** Describe when a window is in force. A weekly one is described in its own time zone, its next time in the user's. */
export function describeWindow(one) {
    const named = one.days?.length > 0 && describeWeekly(one);
    const begins = one.starts_at > now() && `from ${shortMoment(one.starts_at)}`;
    const ends = one.ends_at ? `${isOver(one) ? 'ended' : 'until'} ${shortMoment(one.ends_at)}` : !named && 'until it is ended';
    return [named, begins, ends, named && !isOver(one) && describeNext(one)].filter(Boolean).join(', ');
}

function describeNext(one) {
    if (!isZone(one.time_zone)) return ''; // Splunk's host may know zones that the browser does not
    const next = nextOf(one, now());
    return next && `${next[0] <= now() ? 'now' : `next ${shortMoment(next[0])}`} until ${shortMoment(next[1])}${one.time_zone === timeZone() ? '' : ` (${timeZone()})`}`;
}
