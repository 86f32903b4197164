/**
 * On call › Load: how often the people of a team were called, when and for what.
 */

import { h } from './dom.js';
import { plural, span } from './format.js';
import { headOf, showReport } from './reports.js';

const SPANS = [['28', 'Last 28 days'], ['7', 'Last 7 days'], ['90', 'Last 90 days']];
const asked = (days) => ({ days });

/**
 * Show it in a dialog.
 * @param {import('./main.js').Workbench} app
 * @param {string} [wanted] the team, as for {@link showReport}
 */
export function showLoad(app, wanted = '') {
    return showReport(app, { title: 'On-call load', path: 'on-call/load', spans: SPANS, asked, kept: asked, view: (load) => loadOf(app, load) }, wanted);
}

function loadOf(app, load) {
    const { totals, evenness } = load;
    return [
        headOf(load.whose ? `${load.whose}, ${load.team}` : load.team, load),
        load.whose && h('p', { class: 'wb-dim' }, 'These are your own figures. Those of others require the capability incident_load.'),
        h('p', {}, `${plural(totals.calls, 'call')}, ${totals.calls_a_day} a day: ${totals.night_calls} at night (22:00 to 07:00, ${load.time_zone}), in ${plural(totals.nights, 'night')}; ${totals.weekend_calls} at weekends. ${noise(totals)}`),
        h('p', {}, totals.acknowledged > 0 && `Acknowledged in ${span(totals.ack_median)} (median), 95% within ${span(totals.ack_p95)}. `,
            totals.missed > 0 && `${plural(totals.missed, 'call')} missed (escalated before an acknowledgement).`),
        evenness && h('p', {}, mostCalled(evenness)),
        load.truncated && h('p', {}, 'There were more calls than the report reads: it starts with the earliest call that was read.'),
        load.people.length > 0 && people(load),
        load.detections.length > 0 && detections(app, load.detections),
        !load.people.length && h('p', { class: 'wb-dim' }, load.whose ? 'You were not on call by this team’s rota, and were not called.' : 'Nobody was on call by a rota, and nobody was called.'),
    ];
}

function mostCalled({ person, calls_share: calls, hours_share: hours, called }) {
    const rank = called > 1 ? ` (the highest share of ${called} people)` : '';
    const onCall = hours !== null ? ` and was on call for ${share(hours)} of the hours` : '';
    return `${person} received ${share(calls)} of the calls to named people${rank}${onCall}.`;
}

// The table's columns: heading, tooltip, text.
const COLUMNS = [
    ['On call', 'By the rota', (one) => one.shifts && `${Math.round(one.hours)} h, ${plural(one.shifts, 'shift')}`],
    ['Calls', '', (one) => one.calls],
    ['On duty', 'Calls while on call by the rota, and their number per day on call', (one) => one.on_duty && `${one.on_duty} (${one.calls_a_day} a day)`],
    ['Most in a day', '', (one) => one.most_in_a_day],
    ['At night', 'Calls at night, and the nights that had any', (one) => one.night_calls && `${one.night_calls} in ${plural(one.nights, 'night')}`],
    ['Weekend', 'Calls on Saturdays and Sundays', (one) => one.weekend_calls],
    ['Answered in', 'From the call to the acknowledgement: median, 95% within', (one) => one.acknowledged && `${span(one.ack_median)}, 95% ${span(one.ack_p95)}`],
    ['Missed', 'Escalated before anybody acknowledged', (one) => one.missed],
    ['Noise', 'False alarms and duplicates, of the calls with a verdict', (one) => one.judged && `${one.noise} of ${one.judged}`],
];

function people(load) {
    const row = (one) => h('tr', {}, h('th', { scope: 'row' }, one.person || 'No named person'),
        COLUMNS.map(([label, , text]) => h('td', { 'data-label': label }, text(one) || '–')));
    return h('table', { class: 'wb-load', 'aria-label': 'People' },
        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Person'), COLUMNS.map(([label, about]) => h('th', { scope: 'col', title: about || null }, label)))),
        h('tbody', {}, load.people.map(row)));
}

function detections(app, found) {
    const line = (one) => h('li', {},
        h('div', { class: 'wb-entry-title' }, one.name),
        h('div', {}, `${plural(one.calls, 'call')}, ${one.night_calls} at night. ${noise(one)} Latest: `, h('a', { href: app.addressOf(one.incident_id) }, one.incident_id)),
        one.calmed_by && h('div', { class: 'wb-dim' }, one.calmed_by));
    return h('section', { class: 'wb-part', 'aria-label': 'Noisiest detections' }, h('h3', {}, 'Detections that called most'), h('ul', {}, found.map(line)));
}

const noise = ({ noise: wrong, judged }) => (judged ? `${wrong} of ${judged} with a verdict were noise.` : 'None has a verdict.');
const share = (part) => `${Math.round(part * 100)}%`;
