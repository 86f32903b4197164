/**
 * Opening an incident by hand, and a marked one that tries the way from a finding to whoever is told.
 */

import { Change } from './change.js';
import { h } from './dom.js';
import { openingQuestions, withFields } from './fields.js';
import { SEVERITIES } from './format.js';
import { ask } from './forms.js';

const TOLD = 'It is routed like any other, and whoever is told of new incidents is told of it.';

/**
 * Ask what is wrong, and open an incident of it.
 * @param {import('./main.js').Workbench} app
 */
export async function openNewIncidentForm(app) {
    const change = new Change();
    const choices = await app.choices();
    ask({
        title: 'New incident', submit: 'Open', draft: 'new',
        fields: [
            { name: 'title', label: 'Title', required: true },
            { name: 'severity', label: 'Severity', kind: 'select', value: 'medium', options: SEVERITIES.map((one) => [one, one]) },
            { name: 'affected', label: 'What is affected', help: 'Services or hosts, several by comma. An analysis looks for their events.' },
            { name: 'description', label: 'Description', kind: 'area' },
            ...openingQuestions(choices),
        ],
        effects: () => [TOLD],
        act: async ({ affected, ...values }) => {
            const affected_systems = affected.split(',').map((one) => one.trim()).filter(Boolean);
            const { body } = await change.send('POST', 'incidents', withFields({ ...values, affected_systems }));
            show(app, body.id, `${body.id} is open.`);
        },
    });
}

/**
 * Ask whether a test incident may be opened, and do it.
 * @param {import('./main.js').Workbench} app
 */
export function openTestIncidentForm(app) {
    const change = new Change();
    ask({
        title: 'Open a test incident', submit: 'Open it', fields: [],
        effects: () => [`Its title begins with [Test], its severity is info. ${TOLD}`, 'Resolve it afterwards.'],
        act: async () => {
            const { body } = await change.send('POST', 'simulate-incident');
            show(app, body.incident_id, `${body.incident_id} is open: the way from a finding to here works.`);
        },
    });
}

/**
 * What stands in the place of a list with no open incident.
 * @param {import('./main.js').Workbench} app
 * @param {string[]} notices what keeps people from being told
 * @returns {Node[]}
 */
export function emptyList(app, notices) {
    const button = (label, act) => h('button', { type: 'button', class: 'wb-button', on: { click: () => act(app) } }, label);
    return [
        h('p', {}, 'No open incident.'),
        h('p', { class: 'wb-dim' }, 'New ones appear here by themselves.'),
        ...notices.map((notice) => h('p', { class: 'wb-dim' }, notice)),
        app.mayWrite && h('div', { class: 'wb-row' }, button('New incident', openNewIncidentForm), button('Open a test incident', openTestIncidentForm)),
    ];
}

function show(app, id, text) {
    app.showToast(text);
    app.changed();
    app.open(id, true);
}
