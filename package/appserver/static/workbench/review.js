/**
 * The review of an incident: the account from its timeline, what people write, and the follow-ups.
 */

import { ApiError, get, linkTo } from './api.js';
import { Change, Conflict } from './change.js';
import { h } from './dom.js';
import { addFollowUp, followUpRow, ticketSystems } from './followups.js';
import { isOpen, moment } from './format.js';
import { ask } from './forms.js';

const STATES = { '': 'Not started', begun: 'In progress', done: 'Done', not_needed: 'Not needed' };

/** Read the review, and the ticket systems that follow-ups can use. */
export async function readReview(id) {
    const [{ body }, systems] = await Promise.all([get(`incidents/${encodeURIComponent(id)}/review`), ticketSystems()]);
    return { ...body, systems };
}

/**
 * @param {import('./detail.js').Detail} detail
 * @param {Object<string, any>} review as it was read
 * @returns {Node[]}
 */
export function reviewPart(detail, review) {
    const { app, seen: { incident } } = detail;
    const mayWrite = app.mayWrite && !incident.merged_into;
    const changed = () => {
        app.followUps.refreshButton();
        app.changed(incident.id);
    };
    return [
        heading(app, review, incident),
        h('div', { class: 'wb-actions' }, mayWrite && reviewButtons(detail, review), exportButtons(app, incident.id)),
        review.written.filter((one) => one.text).map((one) => h('section', {},
            h('h3', {}, one.title), h('p', { class: 'wb-entry-text' }, one.text), h('p', { class: 'wb-dim' }, `${one.by}, ${moment(one.at)}`))),
        h('h2', {}, 'Follow-ups'),
        review.follow_ups.length
            ? h('ul', {}, review.follow_ups.map((one) => followUpRow(app, { ...one, incident_id: incident.id }, app.mayWrite, changed, review)))
            : h('p', { class: 'wb-dim' }, 'No follow-ups.'),
        mayWrite && h('div', { class: 'wb-actions' }, button('Add follow-up …', 'add-follow-up', () => addFollowUp(detail))),
        h('h2', {}, 'What the timeline says'),
        h('p', { class: 'wb-dim' }, 'Generated from the timeline. Each line names the time and author of its entry.'),
        review.account.map(part),
    ];
}

function heading(app, review, incident) {
    const who = review.said_by && ` by ${review.said_by}, ${moment(review.said_at)}${review.reason ? `: ${review.reason}` : ''}`;
    const why = incident.merged_into
        ? ['This incident is reviewed with ', h('a', { href: app.addressOf(incident.merged_into) }, incident.merged_into), '.']
        : isOpen(incident) && 'This incident is still open. The review shows what is known so far.';
    return h('div', {},
        h('div', { class: 'wb-row' }, h('h2', {}, `Review: ${STATES[review.state]}`, who), review.due && h('span', { class: 'wb-tag' }, 'due')),
        why && h('p', { class: 'wb-dim' }, why));
}

function reviewButtons(detail, review) {
    const { seen, seen: { incident } } = detail; // the version that the form's texts are from, also if a newer one is read meanwhile
    const texts = Object.fromEntries(review.written.map((one) => [one.name, one.text]));
    const write = () => change(detail, seen, {
        title: `Review of ${incident.id}`, about: incident.title, submit: 'Save review', draft: `review/${incident.id}`,
        fields: review.written.map((one) => ({ name: one.name, label: one.title, kind: 'area', value: one.text })),
    }, (values) => Object.fromEntries(Object.entries(values).filter(([name, text]) => text !== texts[name])), 'Review saved.');
    const setState = (state, title, effect, done, reason) => () => change(detail, seen, {
        title: `${title}: ${incident.id}`, about: incident.title, submit: title, effects: () => [effect],
        fields: reason ? [{ name: 'reason', label: 'Reason', kind: 'area', required: true }] : [],
    }, (values) => ({ state, ...values }), `${done}: ${incident.id}.`);
    const isSaid = ['done', 'not_needed'].includes(review.state);
    return [
        button('Edit review …', 'write-review', write),
        !isSaid && !isOpen(incident) && button('Mark as done …', 'review-done', setState('done', 'Mark as done', 'The review is no longer listed as due. You can still edit it.', 'Review done')),
        !isSaid && !isOpen(incident) && button('Skip review …', 'review-not-needed', setState('not_needed', 'Skip review', 'The review is no longer listed as due.', 'Review skipped', true)),
        isSaid && button('Reopen review …', 'review-open', setState('open', 'Reopen review', 'The review is listed as due again if this severity requires one.', 'Review reopened')),
    ];
}

function change(detail, seen, question, bodyOf, said) {
    const { incident } = seen;
    const sent = new Change(seen, detail.app.me.name);
    ask({
        ...question,
        act: async (values) => {
            try {
                await sent.send('POST', `incidents/${encodeURIComponent(incident.id)}/review`, bodyOf(values));
            } catch (error) {
                if (error instanceof Conflict) detail.update(error.seen);
                throw error;
            }
            detail.app.showToast(said);
            detail.app.changed(incident.id);
        },
    });
}

/** Buttons that copy or download the review. */
function exportButtons(app, id) {
    const address = linkTo(`incidents/${encodeURIComponent(id)}/review?format=markdown`);
    return [
        button('Copy as Markdown', 'copy-review', async () => app.showToast(await copied(address) ? 'Review copied as Markdown.' : 'The review could not be copied. Download it instead.')),
        h('a', { class: 'wb-button', href: address, download: `${id}-review.md`, 'data-place': 'download-review' }, 'Download'),
    ];
}

async function copied(address) {
    try {
        const response = await fetch(address, { credentials: 'same-origin', headers: { 'X-Requested-With': 'XMLHttpRequest' } });
        if (!response.ok || !response.headers.get('Content-Type')?.startsWith('text/markdown')) return false;
        return await copy(await response.text());
    } catch (error) {
        if (error instanceof TypeError || error instanceof DOMException || error instanceof ApiError) return false;
        throw error;
    }
}

/** Copy a text. The Clipboard API exists on HTTPS only. */
export async function copy(text) {
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(text);
        return true;
    }
    const from = document.activeElement;
    const area = h('textarea', { class: 'wb-offscreen', value: text, 'aria-hidden': 'true' });
    (document.querySelector('dialog[open]') ?? document.body).append(area); // text behind a modal dialog can't be selected
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    from.focus();
    return done;
}

function part({ name, title, statements }) {
    return h('section', { 'aria-label': title },
        h('h3', {}, title),
        h('ul', { class: 'wb-statements' }, statements.map((one) => {
            const [source] = one.sources;
            const more = one.rests_on > 1 ? ` and ${one.rests_on - 1} more` : '';
            return h('li', { 'data-part': name }, h('span', {}, one.text),
                h('span', { class: 'wb-dim', title: source ? `Entry ${source.entry}` : null }, source ? `${moment(source.time)}, ${source.actor}${more}` : 'no entry'));
        })));
}

function button(label, place, act) {
    return h('button', { type: 'button', class: 'wb-button', 'data-place': place, on: { click: act } }, label);
}
