/**
 * Opening an incident by hand, or a test incident that checks the path from a signal to the messages.
 */

import { Change } from './change.js';
import { h } from './dom.js';
import { openingQuestions, withFields } from './fields.js';
import { SEVERITIES } from './format.js';
import { ask } from './forms.js';

const ROUTED = 'It is routed like any other incident, and everybody who is notified of new incidents is notified.';

/**
 * Show the form of a new incident, and open it.
 * @param {import('./main.js').Workbench} app
 */
export async function openNewIncidentForm(app) {
    const change = new Change();
    const choices = await app.choices();
    ask({
        title: 'New incident', submit: 'Open incident', draft: 'new',
        fields: [
            { name: 'title', label: 'Title', required: true },
            { name: 'severity', label: 'Severity', kind: 'select', value: 'medium', options: SEVERITIES.map((one) => [one, one]) },
            { name: 'affected', label: 'Affected services or hosts', help: 'Separated by commas. An analysis searches for their events.' },
            { name: 'description', label: 'Description', kind: 'area' },
            ...openingQuestions(choices),
        ],
        effects: () => [ROUTED],
        act: async ({ affected, ...values }) => {
            const affected_systems = affected.split(',').map((one) => one.trim()).filter(Boolean);
            const { body } = await change.send('POST', 'incidents', withFields({ ...values, affected_systems }));
            show(app, body.id, `${body.id} opened.`);
        },
    });
}

/**
 * Confirm and open a test incident.
 * @param {import('./main.js').Workbench} app
 */
export function openTestIncidentForm(app) {
    const change = new Change();
    ask({
        title: 'Open a test incident', submit: 'Open test incident', fields: [],
        effects: () => [`Its title begins with [Test], its severity is info. ${ROUTED}`, 'Resolve it afterwards.'],
        act: async () => {
            const { body } = await change.send('POST', 'simulate-incident');
            show(app, body.incident_id, `${body.incident_id} opened. The path from a signal to an incident works.`);
        },
    });
}

/**
 * Return what is shown if there are no open incidents.
 * @param {import('./main.js').Workbench} app
 * @param {string[]} notices why nobody would be notified
 * @returns {Node[]}
 */
export function emptyList(app, notices) {
    const button = (label, act) => h('button', { type: 'button', class: 'wb-button', on: { click: () => act(app) } }, label);
    return [
        h('p', {}, 'No open incidents.'),
        h('p', { class: 'wb-dim' }, 'New incidents appear here automatically.'),
        ...notices.map((notice) => h('p', { class: 'wb-dim' }, notice)),
        app.mayWrite && h('div', { class: 'wb-row' }, button('New incident', openNewIncidentForm), button('Open a test incident', openTestIncidentForm)),
    ];
}

function show(app, id, text) {
    app.showToast(text);
    app.changed();
    app.open(id, true);
}
