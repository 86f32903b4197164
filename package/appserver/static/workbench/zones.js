/**
 * Times of the calendar in time zones.
 */

const DAY = 86_400;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Whether this browser knows a zone of that name. */
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
 * The moment at which clocks in a zone show a date and time. Of one that comes twice, as when clocks
 * are set back, it is the first; one that is left out counts by the clocks as they were before.
 * @param {string} text such as 2026-12-24T22:30
 * @param {string} zone of the zone database
 * @returns {?number} epoch seconds; null where the text is no time
 * @throws {RangeError} no such zone
 */
export function secondsOf(text, zone) {
    const wall = Date.parse(`${text}Z`) / 1000;
    const [before, after] = [ahead(zone, wall - DAY), ahead(zone, wall + DAY)];
    if (Number.isNaN(wall)) return null;
    const fitting = [before, after].map((offset) => wall - offset).filter((moment) => moment + ahead(zone, moment) === wall);
    return fitting.length ? Math.min(...fitting) : wall - before;
}

/**
 * When a weekly window is in force, or will be next.
 * @param {Object<string, any>} one with days, from_time, to_time, time_zone, starts_at, ends_at (0: no end)
 * @param {number} now epoch seconds
 * @returns {?[number, number]} from and until, epoch seconds; null where it does not come any more
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

/** How many seconds the clocks of a zone are ahead of UTC at a moment; NaN where that is none. */
function ahead(zone, moment) {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    if (Number.isNaN(moment)) return NaN;
    const shown = Object.fromEntries(format.formatToParts(moment * 1000).map((part) => [part.type, Number(part.value)]));
    return Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute, shown.second) / 1000 - Math.floor(moment);
}
