/**
 * The handover report: what the next person on call needs to know about a team.
 */

import { h } from './dom.js';
import { now, shortMoment, stateName } from './format.js';
import { headOf, showReport } from './reports.js';

const HOUR = 3600;
// The start of the report in hours before now; empty is the start of the present shift, which the API knows.
const SPANS = [['', 'This shift'], ['12', 'Last 12 hours'], ['24', 'Last 24 hours'], ['168', 'Last 7 days']];

/**
 * Show it in a dialog.
 * @param {import('./main.js').Workbench} app
 * @param {string} [wanted] the team, as for {@link showReport}
 */
export function showHandover(app, wanted = '') {
    return showReport(app, {
        title: 'Handover', path: 'handover', spans: SPANS,
        asked: (hours) => ({ since: hours && now() - hours * HOUR }),
        kept: (hours, { since }) => (hours ? { since } : {}),
        view: (report) => reportOf(app, report),
    }, wanted);
}

/** @returns {Node[]} the report as `GET /handover` has it */
function reportOf(app, report) {
    const { counts } = report;
    const severities = Object.entries(report.open_by_severity).map(([name, count]) => `${count} ${name}`).join(', ');
    const facts = [
        `${counts.open} open${severities && ` (${severities})`}`, counts.nobody_has && `${counts.nobody_has} without an owner`,
        `${counts.opened} opened`, `${counts.solved} solved`, counts.noise && `${counts.noise} noise`,
    ];
    return [
        headOf(report.team, report),
        h('p', { class: 'wb-dim' }, report.reason, report.began > 0 && ` Since ${shortMoment(report.began)}.`, report.next_at > 0 && ` Next: ${report.next_person || 'nobody'} from ${shortMoment(report.next_at)}.`),
        h('p', {}, `${facts.filter(Boolean).join(' · ')}.`),
        report.truncated && h('p', {}, 'There is more than the report reads: it counts the most severe open incidents, and the newest of everything else.'),
        report.sections.filter((one) => one.lines.length).map((one) => section(app, one)),
    ];
}

function section(app, { title, lines, total }) {
    return h('section', { class: 'wb-part', 'aria-label': title },
        h('h3', {}, `${title} (${total})`),
        h('ul', {}, lines.map((one) => line(app, one)), total > lines.length && h('li', { class: 'wb-dim' }, `${(total - lines.length).toLocaleString('en')} more`)));
}

function line(app, one) {
    const facts = [one.status && stateName(one.status), one.owner].filter(Boolean).join(' · ');
    return h('li', {},
        h('div', { class: 'wb-row' },
            one.severity && h('span', { class: `wb-severity wb-${one.severity}` }, one.severity),
            one.incident_id && h('a', { href: app.addressOf(one.incident_id) }, one.incident_id),
            facts && h('span', { class: 'wb-dim' }, facts)),
        h('div', { class: 'wb-entry-title' }, one.title),
        h('ul', {}, one.says.map(({ text, at }) => h('li', {}, at ? `${text} ${shortMoment(at)}` : text))));
}
