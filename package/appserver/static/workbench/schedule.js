/**
 * When a suppression or change freeze is in force, once or weekly: the form's fields, and their values.
 */

import { describeWeekly, fullMoment, now, timeZone } from './format.js';
import { nextOf, secondsOf } from './zones.js';

/** The duration without an end. */
export const NO_END = '';
const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/**
 * @param {[string, string][]} spans durations in seconds, with their labels
 * @param {string} value the preselected duration
 * @returns {import('./actions.js').Field[]}
 */
export function scheduleFields(spans, value) {
    const zones = Intl.supportedValuesOf?.('timeZone') ?? [];
    return [
        { name: 'from', label: 'From', kind: 'moment', help: 'If empty, it starts now.' },
        { name: 'seconds', label: 'For', kind: 'select', value, options: [...spans, [NO_END, 'until it is ended']] },
        { name: 'until', label: 'Or until', kind: 'moment', help: 'Overrides “For”.' },
        { name: 'days', label: 'Only on these weekdays', help: 'For example: fri, sat, sun.' },
        { name: 'from_time', label: 'Daily from', kind: 'time', help: 'If empty, the whole day.' },
        { name: 'to_time', label: 'Daily to', kind: 'time', help: 'A time before “Daily from” is on the next day.' },
        { name: 'time_zone', label: 'Time zone', value: timeZone(), suggestions: zones.map((zone) => [zone, '']) },
    ];
}

/**
 * Convert the form's values to the API's fields (`starts_at`, `ends_at`, `days` …), or return the `problem` with them.
 * @param {Object<string, string>} values
 */
export function parseSchedule({ from, seconds, until, days, from_time, to_time, time_zone }) {
    const times = { time_zone: time_zone || timeZone() };
    try {
        const begin = from ? secondsOf(from, times.time_zone) : now();
        if (from) times.starts_at = begin;
        if (until) times.ends_at = secondsOf(until, times.time_zone);
        else if (seconds !== NO_END) times.ends_at = Math.round(begin + Number(seconds));
        if (times.ends_at <= Math.max(begin, now())) return { problem: 'The end must be after the start and in the future. Choose a later end.' };
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return { problem: `“${times.time_zone}” is not a time zone. Enter an IANA name such as Europe/Berlin.` };
    }
    if (!days) return from_time || to_time ? { problem: 'Enter the weekdays that these times of day are for.' } : times;
    const hours = { ...(from_time && { from_time }), ...(to_time && { to_time }) };
    return parseWeekly({ ...times, days: days.toLowerCase().split(/[\s,]+/).filter(Boolean).map(parseDay), ...hours });
}

/** Check a weekly window as the API does; return it, or the problem with it. */
function parseWeekly(times) {
    const unknown = times.days.find((day) => !WEEK.some((name) => name.slice(0, 3) === day));
    if (unknown) return { problem: `“${unknown}” is not a weekday. Enter days such as fri, sat, sun.` };
    const next = nextOf({ from_time: '00:00', to_time: '00:00', ...times }, Math.max(now(), times.starts_at ?? 0));
    return next ? times : { problem: 'The end is before the first of these weekdays. Choose a later end.' };
}

/** Describe when it is in force. */
export function describeSchedule(times) {
    const from = times.starts_at > now() ? `from ${fullMoment(times.starts_at)} ` : '';
    const until = times.ends_at ? `until ${fullMoment(times.ends_at)}` : 'until it is ended';
    if (!times.days?.length) return from + until;
    return `${from}${until}, on ${describeWeekly(times)}`;
}

/** Return `sat` for `Saturday` or `sat`; any other text unchanged, which the API refuses. */
function parseDay(text) {
    return WEEK.find((name) => text.length > 2 && name.startsWith(text))?.slice(0, 3) ?? text;
}
