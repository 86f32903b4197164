/**
 * The tasks and roles of an incident.
 */

import { ApiError, get } from './api.js';
import { Change } from './change.js';
import { fill, h, runbookLink } from './dom.js';
import { closingFields } from './followups.js';
import { abbreviate, capital, moment, ownerOf, plural } from './format.js';
import { ask, runOnce } from './forms.js';
import { readStored, writeStored } from './storage.js';

const STORED = 'incident_management.task.';
const MOST_NAMED = 5;

/** The tab Tasks, and the form that adds one, which keeps its text while the tab is redrawn. */
export class Tasks {
    #id = '';
    #change = new Change();

    /** @param {import('./detail.js').Detail} detail */
    constructor(detail) {
        this.detail = detail;
        const people = h('datalist', { id: 'wb-task-people' });
        const field = (label, properties) => h('input', { type: 'text', placeholder: label, 'aria-label': label, autocomplete: 'off', ...properties });
        this.title = field('Add a task …', { maxlength: 300, 'data-place': 'add-task', on: { input: () => writeStored('sessionStorage', STORED + this.#id, this.title.value) } });
        this.owner = field('Owner', { maxlength: 200, list: people.id, on: { focus: () => this.#offer(people) } });
        this.button = h('button', { type: 'submit', class: 'wb-button' }, 'Add task');
        this.trouble = h('div', { class: 'wb-trouble', role: 'alert' });
        this.element = h('form', { class: 'wb-add-task', on: { submit: (event) => this.#add(event) } }, this.title, this.owner, people, this.button, this.trouble);
    }

    /** Fill in the incident's draft. */
    open(id) {
        this.#id = id;
        this.#change = new Change();
        this.title.value = readStored('sessionStorage', STORED + id);
        this.owner.value = '';
        fill(this.trouble);
    }

    /** Show the tab, and focus the first open task, else the form that adds one. */
    async enter() {
        await this.detail.showTab('tasks');
        const first = this.detail.part.querySelector('.wb-task input:not(:checked, :disabled)');
        (first ?? this.title).focus();
    }

    /**
     * @param {object} found as `GET /incidents/{id}/tasks` has it
     * @returns {Node[]}
     */
    show({ tasks, open, roles }) {
        const { app, seen: { incident } } = this.detail;
        const of = (one) => ({ ...one, incident: incident.id }); // of what is runOnce, also when another is shown by then
        const goesOn = app.mayWrite && !incident.merged_into;
        const groups = [...new Set(tasks.map((one) => one.checklist))];
        const group = (name) => h('section', { 'aria-label': name || 'Added' },
            h('h3', {}, name || 'Added'),
            h('ul', { on: { keydown: moveFocus } }, tasks.filter((one) => one.checklist === name).map((one) => this.#task(of(one), goesOn))));
        const into = incident.merged_into;
        const standing = open ? `${open} of ${plural(tasks.length, 'task')} open.` : 'All tasks are done.';
        return [
            tasks.length > 0 && h('p', { class: 'wb-dim' }, into ? ['These tasks continue in ', h('a', { href: app.addressOf(into) }, into), '.'] : standing),
            groups.map(group),
            !tasks.length && h('p', { class: 'wb-dim' }, 'No tasks yet. The steps of checklists that match the incident appear here (Configuration › Checklists).'),
            h('section', { 'aria-label': 'Roles' }, h('h3', {}, 'Roles'),
                h('ul', { class: 'wb-roles' },
                    h('li', {}, h('span', { class: 'wb-dim' }, 'Lead'), h('span', {}, ownerOf(incident))),
                    roles.map((one) => this.#role(of(one), goesOn)))),
        ];
    }

    #task(one, goesOn) {
        const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
        const sent = new Change();
        const tick = (event) => {
            const box = event.currentTarget;
            const state = box.checked ? 'done' : 'open';
            const said = `${state === 'done' ? 'Done' : 'Reopened'}: ${one.title}`;
            runOnce(box, trouble, () => this.#send(sent, one, taskPath(one), { state }, said))
                .then((isDone) => { if (!isDone) box.checked = one.state !== 'open'; });
        };
        const box = h('input', { type: 'checkbox', checked: one.state !== 'open', disabled: !goesOn, 'data-place': `tick-${one.id}`, on: { change: tick } });
        const ended = one.state !== 'open' && `${one.state} by ${one.by}, ${moment(one.at)}`;
        const says = [one.who || (one.role && !ended ? `role ${one.role}: nobody` : ''), one.who && one.role, ended, one.reason, one.from && `from ${one.from}`].filter(Boolean).join(' · ');
        return h('li', { class: `wb-task wb-task-${one.state}`, 'data-task': one.id },
            h('div', {}, h('label', {}, box, h('span', {}, one.title)),
                h('div', { class: 'wb-dim' }, says, one.runbook && [says && ' · ', runbookLink(one.runbook)]), trouble),
            goesOn && h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `change-${one.id}`, on: { click: () => this.#edit(one) } }, 'Edit …'));
    }

    #role(one, mayGive) {
        const { me } = this.detail.app;
        const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
        const sent = new Change();
        const take = (event) => runOnce(event.currentTarget, trouble, () => this.#give(sent, one, me.name));
        const button = (label, place, click) => h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `${place}-${one.id}`, on: { click } }, label);
        return h('li', { 'data-role': one.id }, h('span', { class: 'wb-dim' }, capital(one.id)), h('span', {}, one.person || 'nobody'),
            mayGive && one.person !== me.name.toLowerCase() && button('Take', 'take', take),
            mayGive && button('Assign …', 'give', () => this.#handOver(one)), trouble);
    }

    #give(sent, one, person) {
        const said = person ? `Role ${one.id} assigned to ${person}.` : `Role ${one.id} unassigned.`;
        return this.#send(sent, one, `${pathOf(one.incident)}/roles`, { role: one.id, person }, said);
    }

    async #handOver(one) {
        const sent = new Change();
        const { people } = await this.detail.app.choices();
        ask({
            title: `Assign the role ${one.id}`, about: one.person ? `Currently: ${one.person}.` : 'Currently: nobody.', submit: 'Assign',
            fields: [{ name: 'person', label: 'Person', suggestions: people.map((name) => [name, '']), help: 'If empty, nobody has the role.' }],
            act: ({ person }) => this.#give(sent, one, person),
        });
    }

    async #edit(one) {
        const sent = new Change();
        const { people } = await this.detail.app.choices();
        const end = closingFields({ title: one.title, owner: one.owner, state: one.state });
        ask({
            title: 'Edit task', submit: 'Save',
            fields: [{ name: 'title', label: 'Title', required: true, value: one.title, most: 300 }, { name: 'owner', label: 'Owner', value: one.owner, suggestions: people.map((name) => [name, '']), help: one.role ? `If empty, whoever has the role ${one.role}.` : 'If empty, anybody can do it.' }, ...end.fields],
            effects: end.effects,
            act: (values) => this.#send(sent, one, taskPath(one), end.news(values), `Task updated: ${values.title}`),
        });
    }

    #add(event) {
        event.preventDefault();
        const [id, title, owner] = [this.#id, this.title.value.trim(), this.owner.value.trim()];
        if (!title) return;
        runOnce(this.button, this.trouble, async () => {
            await this.#change.send('POST', `${pathOf(id)}/tasks`, { title, owner });
            this.#change = new Change();
            if (id !== this.#id || this.title.value.trim() === title) { // else the user is typing the next one
                writeStored('sessionStorage', STORED + id, '');
                if (id === this.#id) this.title.value = this.owner.value = '';
            }
            this.#shows(`Task added: ${title}`, id);
        });
    }

    async #offer(people) {
        fill(people, (await this.detail.app.choices()).people.map((value) => h('option', { value })));
    }

    /** Send a change. If somebody else changed it first, refresh and show that in a toast, as the row is redrawn. */
    async #send(sent, one, path, body, said) {
        try {
            await sent.send('POST', path, { ...body, seen_at: one.at });
            this.#shows(said, one.incident);
        } catch (error) {
            if (error instanceof ApiError && error.status === 409) this.#shows(error.message, one.incident);
            throw error;
        }
    }

    #shows(text, id) {
        this.detail.app.showToast(text);
        this.detail.app.changed(id);
    }
}

const pathOf = (id) => `incidents/${encodeURIComponent(id)}`;
/** The API path of a task, by its `incident` and `id`. */
export const taskPath = (one) => `${pathOf(one.incident)}/tasks/${encodeURIComponent(one.id)}`;

/** Read the tasks and roles of an incident; null if they can't be read now. */
export async function readTasks(id) {
    try {
        return (await get(`${pathOf(id)}/tasks`)).body;
    } catch (error) {
        if (error instanceof ApiError) return null;
        throw error;
    }
}

/** Warn in the resolve form of open tasks: no sentence, or one. */
export function openTasksWarning(found) {
    const open = (found?.tasks ?? []).filter((one) => one.state === 'open');
    if (!open.length) return [];
    return [`${plural(open.length, 'task')} still open: ${abbreviate(open.map((one) => one.title), MOST_NAMED)}. The review will list ${open.length === 1 ? 'it' : 'them'}.`];
}

/** Facts of an incident: its roles. */
export const roleFacts = ({ roles }) => (roles ?? []).map(({ id, person }) => [capital(id), person]);

/** Move between tasks with the arrow keys. */
function moveFocus(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.target.type !== 'checkbox') return;
    event.preventDefault();
    const boxes = [...event.currentTarget.closest('[role=tabpanel]').querySelectorAll('.wb-task input')];
    boxes[boxes.indexOf(event.target) + by]?.focus();
}
