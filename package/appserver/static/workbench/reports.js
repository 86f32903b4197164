/**
 * The dialog of a report on a team, with a choice of team and time span: to read, copy, download and print.
 */

import { get, linkTo, newest } from './api.js';
import { fill, h } from './dom.js';
import { fullMoment } from './format.js';
import { readFailure } from './forms.js';
import { copy } from './review.js';

/**
 * Show a report.
 * @param {import('./main.js').Workbench} app
 * @param {object} report
 * @param {string} report.title
 * @param {string} report.path its route, which also returns Markdown
 * @param {Array<[string, string]>} report.spans the choices, value and label; the first is preselected
 * @param {(span: string) => object} report.asked the query for a span, besides the team
 * @param {(span: string, read: object) => object} report.kept the query of the downloaded file, from what was read
 * @param {(read: object) => any[]} report.view
 * @param {string} [wanted] the team; default: the list's filter, else the user's own
 */
export async function showReport(app, { title, path, spans, asked, kept, view }, wanted = '') {
    if (document.querySelector('dialog[open]')) return;
    const body = h('div', { class: 'wb-report', 'aria-live': 'polite' }, h('p', { class: 'wb-dim' }, 'Loading …'));
    const team = h('select', { 'aria-label': 'Team', on: { change: () => read() } });
    const span = h('select', { 'aria-label': 'Since', on: { change: () => read() } }, spans.map(([value, label]) => h('option', { value }, label)));
    const file = h('a', { class: 'wb-button', download: `${title.toLowerCase().replace(/\W/g, '-')}.md` }, 'Download');
    const said = h('span', { class: 'wb-dim', role: 'status' });
    const button = (label, act) => h('button', { type: 'button', class: 'wb-button', on: { click: act } }, label);
    const dialog = h('dialog', { class: 'wb-dialog wb-handover', 'aria-label': title, on: { close: () => dialog.remove() } },
        h('h2', { tabindex: -1 }, title),
        h('div', { class: 'wb-row wb-choices' }, team, span),
        body,
        h('div', { class: 'wb-row wb-end wb-choices' },
            said, button('Copy as text', async () => fill(said, await copy(body.innerText) ? 'Copied.' : 'The report could not be copied. Download it instead.')), file,
            button('Print', () => window.print()), button('Close', () => dialog.close())));
    document.querySelector('.workbench').append(dialog);
    dialog.showModal();

    const answered = newest((query) => get(path, query));
    async function read() {
        try {
            const kind = span.value;
            const answer = await answered({ team: team.value, ...asked(kind) });
            if (!answer) return; // the choice has changed meanwhile
            const found = answer.body;
            file.href = linkTo(`${path}?${new URLSearchParams({ team: found.team, ...kept(kind, found), format: 'markdown' })}`);
            fill(body, view(found));
        } catch (error) {
            file.removeAttribute('href');
            fill(body, readFailure(error, 'Choose a team again, or close this dialog and open it again.'));
        }
    }

    try {
        const { body: { teams } } = await get('teams');
        const own = teams.find((one) => one.members.includes(app.me.name.toLowerCase()));
        const known = [wanted, app.wanted.team, own?.name].find((name) => teams.some((one) => one.name === name));
        fill(team, teams.map(({ name }) => h('option', { value: name, selected: name === known }, name)));
    } catch (error) {
        fill(body, readFailure(error, 'Close this dialog and open it again.'));
        return;
    }
    await read();
}

/**
 * The head of a report: its subject and time span, with dates, as it may be printed.
 * @param {string} name
 * @param {{since: number, until: number}} span
 */
export function headOf(name, { since, until }) {
    return h('p', {}, h('strong', {}, name), `: ${fullMoment(since)} to ${fullMoment(until)}`);
}
