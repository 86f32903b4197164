/**
 * Change freezes: the times in which fixes are not executed, and for what.
 */

import { lacks } from './actions.js';
import { ApiError } from './api.js';
import { Change } from './change.js';
import { h } from './dom.js';
import { describeWindow, isOver } from './format.js';
import { ask } from './forms.js';
import { describeSchedule, parseSchedule, scheduleFields } from './schedule.js';

const SPANS = [['3600', '1 hour'], ['14400', '4 hours'], ['86400', '1 day'], ['259200', '3 days'], ['604800', '1 week'], ['1209600', '2 weeks']];
const EVERYTHING = 'everything';
const NAMES = [['service', 'Service', ''], ['team', 'Team', 'the team'], ['tag', 'Tag', 'the tag']];

/**
 * @param {import('./main.js').Workbench} app
 * @param {Object<string, any>[]} freezes as `GET /freezes` has them
 * @param {function(): void} reload reads the page again
 * @returns {Node}
 */
export function freezesPart(app, freezes, reload) {
    const mayName = !lacks(app.me.capabilities, 'incident_admin');
    const standing = freezes.filter((one) => !isOver(one));
    const row = (one) => h('li', { class: 'wb-suppression' },
        h('div', {},
            h('div', { class: 'wb-row' }, h('span', { class: 'wb-tag' }, one.in_force ? 'in force' : 'scheduled'), h('span', { class: 'wb-entry-title' }, aboutWhat(one))),
            h('div', { class: 'wb-entry-text' }, one.reason),
            h('div', { class: 'wb-dim' }, [describeWindow(one), one.created_by && `by ${one.created_by}`, one.id].filter(Boolean).join(' · '))),
        h('div', { class: 'wb-row' }, mayName && button('End …', `end-${one.id}`, () => end(app, one, reload))));
    return h('section', { class: 'wb-part', 'aria-label': 'Change freezes' },
        h('h2', {}, 'Change freezes'),
        h('p', { class: 'wb-description' }, 'During a change freeze no matching fix is executed, unless somebody with the capability incident_override gives a reason.'),
        mayName && h('div', { class: 'wb-actions' }, button('Freeze changes …', 'freeze', () => add(app, reload))),
        standing.length ? h('ul', {}, standing.map(row)) : h('p', { class: 'wb-dim' }, 'No change freezes.'));
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
    ask({
        title: 'Freeze changes', submit: 'Freeze', draft: 'freeze', danger: true,
        fields: [
            ...NAMES.map(([name, label]) => ({ name, label })),
            ...scheduleFields(SPANS, '86400'),
            { name: 'reason', label: 'Reason, shown to people who want to execute a fix', kind: 'area', required: true },
        ],
        effects: (values) => {
            const times = parseFreezeSchedule(values);
            return [
                times.problem ?? `No fix ${ofWhat(values)}is executed ${describeSchedule(times)}.`,
                '* matches any text, ? one character. A fix must match every field that you fill in. Approved fixes wait, too.',
            ];
        },
        act: async (values) => {
            const { problem, ...times } = parseFreezeSchedule(values);
            if (problem) throw new ApiError('refused', problem);
            const named = Object.fromEntries([...NAMES.map(([name]) => name), 'reason'].map((name) => [name, values[name]]).filter(([, value]) => value));
            const { body } = await change.send('POST', 'freezes', { ...named, ...times });
            app.showToast(`${body.id} created: ${aboutWhat(body)} is frozen ${describeSchedule(body)}.`);
            reload();
        },
    });
}

/** As {@link parseSchedule}, but a freeze must have an end or weekdays. */
function parseFreezeSchedule(values) {
    const times = parseSchedule(values);
    if (times.problem || times.ends_at || times.days) return times;
    return { problem: 'A change freeze needs an end or weekdays.' };
}

function end(app, one, reload) {
    const change = new Change();
    ask({
        title: `End ${one.id}`, about: one.reason, fields: [], danger: true, submit: 'End freeze',
        effects: () => [`Fixes of ${aboutWhat(one)} can be approved and executed again.`],
        act: async () => {
            await change.send('DELETE', `freezes/${encodeURIComponent(one.id)}`);
            app.showToast(`${one.id} ended.`);
            reload();
        },
    });
}
