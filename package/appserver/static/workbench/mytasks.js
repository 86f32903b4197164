/**
 * The user's tasks in all open incidents: a button beside the search, and the list that it opens.
 */

import { addressOf } from './address.js';
import { ApiError, get, newest } from './api.js';
import { Change } from './change.js';
import { fill, h, runbookLink } from './dom.js';
import { readFailure, runOnce, showInDialog } from './forms.js';
import { taskPath } from './tasks.js';

const MOST = 200;

export class MyTasks {
    #toCount = newest(read);
    #toList = newest(read);

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'Your tasks in open incidents (m)', on: { click: () => this.show() } });
    }

    /** Read the tasks, and show the button if there are any. */
    async refreshButton() {
        try {
            this.#count(await this.#toCount());
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list shows the error
        }
    }

    #count(found) {
        if (!found) return;
        const { tasks, more, left_out: leftOut } = found;
        this.button.hidden = !tasks.length;
        fill(this.button, 'My tasks ', h('span', { class: 'wb-count', title: 'open' }, `${tasks.length}${more || leftOut ? '+' : ''}`));
    }

    /** List them. */
    async show() {
        if (document.querySelector('dialog[open]')) return;
        const body = h('div', {}, h('p', { class: 'wb-dim' }, 'Loading …'));
        await this.#fill(body, showInDialog('My tasks', body));
    }

    async #fill(body, dialog) {
        const place = boxesOf(body).indexOf(document.activeElement);
        const within = body.contains(document.activeElement);
        try {
            const found = await this.#toList();
            if (!found) return; // a newer request will fill it
            this.#count(found);
            const again = () => this.#fill(body, dialog);
            fill(body, [...new Set(found.tasks.map((one) => one.incident_id))].map((id) => this.#part(id, found.tasks.filter((one) => one.incident_id === id), again)),
                !found.tasks.length && h('p', { class: 'wb-dim' }, 'You have no open tasks.'),
                (found.more || found.left_out) && h('p', { class: 'wb-dim' }, 'You have more tasks than are shown.'));
        } catch (error) {
            fill(body, readFailure(error, 'Close this dialog and open it again.'));
        }
        // The ticked box is gone with its row: focus the one in its place, not the top.
        if (within) (boxesOf(body)[place] ?? boxesOf(body).at(-1) ?? dialog.querySelector('h2')).focus();
    }

    /** The tasks of one incident. */
    #part(id, tasks, again) {
        const [{ incident_title: title, severity }] = tasks;
        return h('section', { class: 'wb-part', 'aria-label': id },
            h('h3', {}, h('a', { href: addressOf(this.app.wanted, id, 'tasks') }, `${id} ${title}`), h('span', { class: 'wb-dim' }, ` ${severity}`)),
            h('ul', {}, tasks.map((one) => this.#row(one, again))));
    }

    #row(one, again) {
        const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
        const sent = new Change();
        const tick = async ({ currentTarget: box }) => {
            const isDone = await runOnce(box, trouble, async () => {
                await sent.send('POST', taskPath({ ...one, incident: one.incident_id }), { state: 'done', seen_at: one.at });
                this.app.showToast(`Done: ${one.title}`);
                this.app.changed(one.incident_id);
                await again();
            });
            if (!isDone) box.checked = false;
        };
        const says = [one.role && `as ${one.role}`, one.checklist].filter(Boolean).join(' · ');
        return h('li', { class: 'wb-task wb-task-open', 'data-task': one.id },
            h('div', {}, h('label', {}, h('input', { type: 'checkbox', disabled: !this.app.mayWrite, on: { change: tick } }), h('span', {}, one.title)),
                h('div', { class: 'wb-dim' }, says, one.runbook && [says && ' · ', runbookLink(one.runbook)]), trouble));
    }
}

const boxesOf = (body) => [...body.querySelectorAll('.wb-task input')];

const read = async () => (await get('tasks', { owner: 'me', state: 'open', limit: MOST })).body;
