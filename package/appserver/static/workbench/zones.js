/**
 * Calendar times in time zones.
 */

const DAY = 86_400;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Whether this browser knows the time zone. */
export function isZone(name) {
    try {
        ahead(name, 0);
        return true;
    } catch (error) {
        if (error instanceof RangeError) return false;
        throw error;
    }
}

/**
 * Convert local time in a zone to epoch seconds. A time that occurs twice, as when clocks are set back, is the first;
 * a time that is skipped uses the offset before the change.
 * @param {string} text such as 2026-12-24T22:30
 * @param {string} zone IANA name
 * @returns {?number} epoch seconds; null if the text is no time
 * @throws {RangeError} unknown zone
 */
export function secondsOf(text, zone) {
    const wall = Date.parse(`${text}Z`) / 1000;
    const [before, after] = [ahead(zone, wall - DAY), ahead(zone, wall + DAY)];
    if (Number.isNaN(wall)) return null;
    const fitting = [before, after].map((offset) => wall - offset).filter((moment) => moment + ahead(zone, moment) === wall);
    return fitting.length ? Math.min(...fitting) : wall - before;
}

/**
 * Return the present or next time in which a weekly window is in force.
 * @param {Object<string, any>} one with days, from_time, to_time, time_zone, starts_at, ends_at (0: no end)
 * @param {number} now epoch seconds
 * @returns {?[number, number]} start and end, epoch seconds; null if it never is again
 */
export function nextOf(one, now) {
    const since = Math.max(now, one.starts_at ?? 0);
    const today = Math.floor((since + ahead(one.time_zone, since)) / DAY);
    const days = one.to_time > one.from_time ? 0 : 1;
    for (let day = today - 1; day <= today + 8; day += 1) {
        if (!one.days.includes(weekday(day))) continue;
        const begin = secondsOf(`${dated(day)}T${one.from_time}`, one.time_zone);
        const end = secondsOf(`${dated(day + days)}T${one.to_time}`, one.time_zone);
        const last = one.ends_at ? Math.min(end, one.ends_at) : end;
        if (last > since) return begin < (one.ends_at || Infinity) ? [Math.max(begin, one.starts_at ?? 0), last] : null;
    }
    return null;
}

const dated = (day) => new Date(day * DAY * 1000).toISOString().slice(0, 10);
const weekday = (day) => DAYS[new Date(day * DAY * 1000).getUTCDay()];

/** The offset of a zone from UTC at a moment, in seconds; NaN if the moment is NaN. */
function ahead(zone, moment) {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    if (Number.isNaN(moment)) return NaN;
    const shown = Object.fromEntries(format.formatToParts(moment * 1000).map((part) => [part.type, Number(part.value)]));
    return Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute, shown.second) / 1000 - Math.floor(moment);
}
