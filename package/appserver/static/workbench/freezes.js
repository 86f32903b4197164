/**
 * Change freezes: when no fix is carried out, and of what.
 */

import { lacks } from './actions.js';
import { ApiError } from './api.js';
import { Change } from './change.js';
import { h } from './dom.js';
import { describeWindow, isOver } from './format.js';
import { ask } from './forms.js';
import { describeSchedule, parseSchedule, scheduleFields } from './schedule.js';

const SPANS = [['3600', 'an hour'], ['14400', '4 hours'], ['86400', 'a day'], ['259200', '3 days'], ['604800', 'a week'], ['1209600', '2 weeks']];
const EVERYTHING = 'everything';
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
            h('div', { class: 'wb-dim' }, [describeWindow(one), one.created_by && `by ${one.created_by}`, one.id].filter(Boolean).join(' · '))),
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
    ask({
        title: 'Freeze changes', submit: 'Freeze', draft: 'freeze', danger: true,
        fields: [
            ...NAMES.map(([name, label]) => ({ name, label })),
            ...scheduleFields(SPANS, '86400'),
            { name: 'reason', label: 'Why, for whoever may not carry a fix out', kind: 'area', required: true },
        ],
        effects: (values) => {
            const times = parseFreezeSchedule(values);
            return [
                times.problem ?? `No fix ${ofWhat(values)}is carried out ${describeSchedule(times)}.`,
                '* stands for any text, ? for one character; a fix must match all that you fill in. A fix that is approved already waits, too.',
            ];
        },
        act: async (values) => {
            const { problem, ...times } = parseFreezeSchedule(values);
            if (problem) throw new ApiError('refused', problem);
            const named = Object.fromEntries([...NAMES.map(([name]) => name), 'reason'].map((name) => [name, values[name]]).filter(([, value]) => value));
            const { body } = await change.send('POST', 'freezes', { ...named, ...times });
            app.showToast(`${body.id} is set: ${aboutWhat(body)} is frozen ${describeSchedule(body)}.`);
            reload();
        },
    });
}

/** As {@link parseSchedule}; a freeze ends, or comes again on some days. */
function parseFreezeSchedule(values) {
    const times = parseSchedule(values);
    if (times.problem || times.ends_at || times.days) return times;
    return { problem: 'A freeze needs an end, or days of the week on which it comes again.' };
}

function end(app, one, reload) {
    const change = new Change();
    ask({
        title: `End ${one.id}`, about: one.reason, fields: [], danger: true, submit: 'End it',
        effects: () => [`Fixes of ${aboutWhat(one)} may be approved and carried out again.`],
        act: async () => {
            await change.send('DELETE', `freezes/${encodeURIComponent(one.id)}`);
            app.showToast(`${one.id} is over.`);
            reload();
        },
    });
}
