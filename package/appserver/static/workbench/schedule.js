/**
 * When something is in force, once or weekly: the fields that ask for it, and what they say.
 */

import { describeWeekly, fullMoment, now, timeZone } from './format.js';
import { nextOf, secondsOf } from './zones.js';

/** The value of the span that has no end. */
export const NO_END = '';
const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/**
 * @param {[string, string][]} spans in seconds, with what they are called
 * @param {string} value the one that is chosen at first
 * @returns {import('./actions.js').Field[]}
 */
export function scheduleFields(spans, value) {
    const zones = Intl.supportedValuesOf?.('timeZone') ?? [];
    return [
        { name: 'from', label: 'From', kind: 'moment', help: 'Left empty, from now on.' },
        { name: 'seconds', label: 'For', kind: 'select', value, options: [...spans, [NO_END, 'until somebody ends it']] },
        { name: 'until', label: 'Or until', kind: 'moment', help: 'Filled in, it counts instead of “For”.' },
        { name: 'days', label: 'Only on these days of the week', help: 'Such as fri, sat, sun.' },
        { name: 'from_time', label: 'On these days, from', kind: 'time', help: 'Left empty, all of each day.' },
        { name: 'to_time', label: 'On these days, to', kind: 'time', help: 'Before “from”, it goes on past midnight.' },
        { name: 'time_zone', label: 'Time zone of these times', value: timeZone(), suggestions: zones.map((zone) => [zone, '']) },
    ];
}

/**
 * What the fields say in the words of the API (`starts_at`, `ends_at`, `days` …), or the `problem` with it.
 * @param {Object<string, string>} values
 */
export function parseSchedule({ from, seconds, until, days, from_time, to_time, time_zone }) {
    const times = { time_zone: time_zone || timeZone() };
    try {
        const begin = from ? secondsOf(from, times.time_zone) : now();
        if (from) times.starts_at = begin;
        if (until) times.ends_at = secondsOf(until, times.time_zone);
        else if (seconds !== NO_END) times.ends_at = Math.round(begin + Number(seconds));
        if (times.ends_at <= Math.max(begin, now())) return { problem: 'It would be over before it begins: name a later end.' };
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return { problem: `“${times.time_zone}” is no time zone: write one such as Europe/Berlin.` };
    }
    if (!days) return from_time || to_time ? { problem: 'Times of day go with days of the week: name these, too.' } : times;
    const hours = { ...(from_time && { from_time }), ...(to_time && { to_time }) };
    return parseWeekly({ ...times, days: days.toLowerCase().split(/[\s,]+/).filter(Boolean).map(parseDay), ...hours });
}

/** These times, or the problem with them that the API would refuse. */
function parseWeekly(times) {
    const unknown = times.days.find((day) => !WEEK.some((name) => name.slice(0, 3) === day));
    if (unknown) return { problem: `“${unknown}” is no day of the week: write such as fri, sat, sun.` };
    const next = nextOf({ from_time: '00:00', to_time: '00:00', ...times }, Math.max(now(), times.starts_at ?? 0));
    return next ? times : { problem: 'It would be over before the first of these days comes: name a later end.' };
}

/** Say when it is in force. */
export function describeSchedule(times) {
    const from = times.starts_at > now() ? `from ${fullMoment(times.starts_at)} ` : '';
    const until = times.ends_at ? `until ${fullMoment(times.ends_at)}` : 'until somebody ends it';
    if (!times.days?.length) return from + until;
    return `${from}${until}, on ${describeWeekly(times)}`;
}

/** `Saturday` or `sat` as `sat`; what is no day as it is, which the API refuses. */
function parseDay(text) {
    return WEEK.find((name) => text.length > 2 && name.startsWith(text))?.slice(0, 3) ?? text;
}
