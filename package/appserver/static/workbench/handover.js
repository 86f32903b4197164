/**
 * The handover report: what whoever takes over has to know of a team, to read, to copy and to print.
 */

import { get, linkTo } from './api.js';
import { fill, h } from './dom.js';
import { unread } from './forms.js';
import { copy } from './review.js';
import { now, planned, stateName, timeZone } from './words.js';

const HOUR = 3600;
// Since when; the first is since whoever is on call began, which the API knows.
const SPANS = [['', 'This shift'], ['12', 'The last 12 hours'], ['24', 'The last 24 hours'], ['168', 'The last 7 days']];

/**
 * Show it in a dialog.
 * @param {import('./main.js').Workbench} app
 * @param {string} [wanted] the team; else one's own, or the one that the list is of
 */
export async function showHandover(app, wanted = '') {
    if (document.querySelector('dialog[open]')) return;
    const body = h('div', { class: 'wb-report', 'aria-live': 'polite' }, h('p', { class: 'wb-dim' }, 'Loading …'));
    const team = h('select', { 'aria-label': 'Team', on: { change: () => read() } });
    const span = h('select', { 'aria-label': 'Since', on: { change: () => read() } }, SPANS.map(([value, label]) => h('option', { value }, label)));
    const file = h('a', { class: 'wb-button', download: 'handover.md' }, 'Download');
    const said = h('span', { class: 'wb-dim', role: 'status' });
    const button = (label, act) => h('button', { type: 'button', class: 'wb-button', on: { click: act } }, label);
    const dialog = h('dialog', { class: 'wb-dialog wb-handover', 'aria-label': 'Handover', on: { close: () => dialog.remove() } },
        h('h2', { tabindex: -1 }, 'Handover'),
        h('div', { class: 'wb-row wb-choices' }, team, span),
        body,
        h('div', { class: 'wb-row wb-end wb-choices' },
            said, button('Copy as text', async () => fill(said, await copy(body.innerText) ? 'It is copied.' : 'It could not be copied: download it.')), file,
            button('Print', () => window.print()), button('Close', () => dialog.close())));
    document.querySelector('.workbench').append(dialog);
    dialog.showModal();

    let last = 0;
    async function read() {
        const turn = ++last;
        try {
            const { body: report } = await get('handover', { team: team.value, since: span.value && now() - span.value * HOUR });
            if (turn !== last) return; // another one was chosen meanwhile
            file.href = linkTo(`handover?${new URLSearchParams({ team: report.team, ...(span.value && { since: report.since }), format: 'markdown' })}`);
            fill(body, reportOf(app, report));
        } catch (error) {
            if (turn === last) fill(body, unread(error, 'Choose a team again, or close this and open it again.'));
        }
    }

    try {
        const { body: { teams } } = await get('teams');
        const own = teams.find((one) => one.members.includes(app.me.name.toLowerCase()));
        const known = [wanted, app.wanted.team, own?.name].find((name) => teams.some((one) => one.name === name));
        fill(team, teams.map(({ name }) => h('option', { value: name, selected: name === known }, name)));
    } catch (error) {
        fill(body, unread(error, 'Close this, and open it again.'));
        return;
    }
    await read();
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
        h('p', {}, h('strong', {}, report.team), `: ${planned(report.since)} to ${planned(report.until)}, ${timeZone()}`),
        h('p', { class: 'wb-dim' }, report.reason, report.began > 0 && ` Since ${planned(report.began)}.`, report.next_at > 0 && ` Next: ${report.next_person || 'nobody'} from ${planned(report.next_at)}.`),
        h('p', {}, `${facts.filter(Boolean).join(' · ')}.`),
        report.truncated && h('p', {}, 'There was more than is read: of the open the gravest count, of everything else the newest.'),
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
        h('ul', {}, one.says.map(({ text, at }) => h('li', {}, at ? `${text} ${planned(at)}` : text))));
}
