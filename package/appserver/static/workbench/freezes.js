/**
 * Change freezes: when no fix is carried out, and of what.
 */

import { ApiError } from './api.js';
import { Change } from './change.js';
import { h } from './dom.js';
import { ask } from './forms.js';
import { lacks } from './moves.js';
import { isOver, now, timeZone, weekly, when, wholeMoment } from './words.js';
import { secondsOf } from './zones.js';

const NO_END = '';
const SPANS = [['3600', 'an hour'], ['14400', '4 hours'], ['86400', 'a day'], ['259200', '3 days'], ['604800', 'a week'], ['1209600', '2 weeks'], [NO_END, 'until somebody ends it']];
const EVERYTHING = 'everything';
const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const NAMES = [['service', 'Service', ''], ['team', 'Team', 'the team'], ['tag', 'Tag', 'the tag']];

/**
 * @param {import('./main.js').Workbench} app
 * @param {Object<string, any>[]} freezes as `GET /freezes` has them
 * @param {function(): void} reload reads everything again
 * @returns {Node}
 */
export function freezesPart(app, freezes, reload) {
    const mayName = !lacks(app.me.capabilities, 'incident_admin');
    const standing = freezes.filter((one) => !isOver(one));
    const row = (one) => h('li', { class: 'wb-suppression' },
        h('div', {},
            h('div', { class: 'wb-row' }, h('span', { class: 'wb-tag' }, one.in_force ? 'in force' : 'later'), h('span', { class: 'wb-entry-title' }, aboutWhat(one))),
            h('div', { class: 'wb-entry-text' }, one.reason),
            h('div', { class: 'wb-dim' }, [when(one), one.created_by && `by ${one.created_by}`, one.id].filter(Boolean).join(' · '))),
        h('div', { class: 'wb-row' }, mayName && button('End it …', `end-${one.id}`, () => end(app, one, reload))));
    return h('section', { class: 'wb-part', 'aria-label': 'Change freezes' },
        h('h2', {}, 'Change freezes'),
        h('p', { class: 'wb-description' }, 'No fix of these is carried out, unless somebody with the right to override a freeze does so and says why.'),
        mayName && h('div', { class: 'wb-actions' }, button('Freeze changes …', 'freeze', () => add(app, reload))),
        standing.length ? h('ul', {}, standing.map(row)) : h('p', { class: 'wb-dim' }, 'Nothing is frozen.'));
}

function button(label, place, act) {
    return h('button', { type: 'button', class: 'wb-button', 'data-place': place, on: { click: act } }, label);
}

function aboutWhat(one) {
    const named = NAMES.filter(([name]) => one[name] && one[name] !== '*');
    return named.map(([name, , word]) => `${word} “${one[name]}”`.trim()).join(' and ') || EVERYTHING;
}

function ofWhat(values) {
    const what = aboutWhat(values);
    return what === EVERYTHING ? '' : `of ${what} `;
}

function add(app, reload) {
    const change = new Change();
    const zones = Intl.supportedValuesOf?.('timeZone') ?? [];
    ask({
        title: 'Freeze changes', submit: 'Freeze', draft: 'freeze', danger: true,
        fields: [
            ...NAMES.map(([name, label]) => ({ name, label })),
            { name: 'from', label: 'From', kind: 'moment', help: 'Left empty, from now on.' },
            { name: 'seconds', label: 'For', kind: 'select', value: '86400', options: SPANS },
            { name: 'until', label: 'Or until', kind: 'moment', help: 'Filled in, it counts instead of “For”.' },
            { name: 'days', label: 'Only on these days of the week', help: 'Such as fri, sat, sun.' },
            { name: 'from_time', label: 'On these days, from', kind: 'time', help: 'Left empty, all of each day.' },
            { name: 'to_time', label: 'On these days, to', kind: 'time', help: 'Before “from”, it goes on past midnight.' },
            { name: 'time_zone', label: 'Time zone of these times', value: timeZone(), suggestions: zones.map((zone) => [zone, '']) },
            { name: 'reason', label: 'Why, for whoever may not carry a fix out', kind: 'area', required: true },
        ],
        effects: (values) => {
            const times = timesOf(values);
            return [
                times.problem ?? `No fix ${ofWhat(values)}is carried out ${told(times)}.`,
                '* stands for any text, ? for one character; a fix must match all that you fill in. A fix that is approved already waits, too.',
            ];
        },
        act: async (values) => {
            const { problem, ...times } = timesOf(values);
            if (problem) throw new ApiError('refused', problem);
            const named = Object.fromEntries([...NAMES.map(([name]) => name), 'reason'].map((name) => [name, values[name]]).filter(([, value]) => value));
            const { body } = await change.send('POST', 'freezes', { ...named, ...times });
            app.say(`${body.id} is set: ${aboutWhat(body)} is frozen ${told(body)}.`);
            reload();
        },
    });
}

function told(times) {
    const from = times.starts_at > now() ? `from ${wholeMoment(times.starts_at)} ` : '';
    const until = times.ends_at ? `until ${wholeMoment(times.ends_at)}` : 'until somebody ends it';
    if (!times.days?.length) return from + until;
    return `${from}${until}, on ${weekly(times)}`;
}

/** `Saturday` or `sat` as `sat`; what is no day as it is, which the API refuses. */
function dayNamed(text) {
    return WEEK.find((name) => text.length > 2 && name.startsWith(text))?.slice(0, 3) ?? text;
}

/**
 * What the form's times are in the words of `POST /freezes`, or the `problem` with them.
 * @param {Object<string, string>} values
 */
function timesOf({ from, seconds, until, days, from_time, to_time, time_zone }) {
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
    return { ...times, days: days.toLowerCase().split(/[\s,]+/).filter(Boolean).map(dayNamed), ...hours };
}

function end(app, one, reload) {
    const change = new Change();
    ask({
        title: `End ${one.id}`, about: one.reason, fields: [], danger: true, submit: 'End it',
        effects: () => [`Fixes of ${aboutWhat(one)} may be approved and carried out again.`],
        act: async () => {
            await change.send('DELETE', `freezes/${encodeURIComponent(one.id)}`);
            app.say(`${one.id} is over.`);
            reload();
        },
    });
}
