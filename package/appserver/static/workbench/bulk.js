/**
 * One thing done to several incidents at once, each with a result of its own.
 */

import { moreMenu } from './actionbar.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { ask } from './forms.js';
import { moveOf } from './moves.js';
import { isOpen, many, SEVERITIES } from './words.js';

const MAX_AT_ONCE = 200;
// Beside the count; the others are behind More, so that the bar keeps its height.
const FIRST = ['acknowledge', 'assign', 'resolve'];

const open = (incident) => isOpen(incident);
const resolved = (incident) => incident.status === 'resolved';
const any = () => true;

/** Action of `POST /incidents/bulk` -> label, which incidents it fits, fields, what follows. */
const ACTIONS = {
    acknowledge: { label: 'Acknowledge', fits: (one) => open(one) && one.status !== 'in_progress' },
    assign: { label: 'Assign', fits: open, fields: (choices) => moveOf('assign').fields({}, choices) },
    note: { label: 'Note', fits: any, fields: () => [{ name: 'text', label: 'Note', kind: 'area', required: true }] },
    escalate: { label: 'Escalate', fits: open, fields: (choices) => moveOf('escalate').fields({}, choices) },
    severity: {
        label: 'Severity', fits: any,
        fields: () => [{ name: 'severity', label: 'Severity', kind: 'select', options: SEVERITIES.map((one) => [one, one]) }],
    },
    resolve: { label: 'Resolve', fits: open, fields: () => moveOf('resolve').fields() },
    reopen: { label: 'Reopen', fits: resolved, fields: () => moveOf('reopen').fields() },
    close: { label: 'Close', fits: resolved, danger: true, fields: () => moveOf('close').fields(), effect: 'They are closed for good: nobody can reopen them. The next signal of a problem opens a new incident.' },
};

export class BulkBar {
    #buttons = new Map();

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.count = h('span', { role: 'status' });
        this.all = h('input', { type: 'checkbox', 'aria-label': 'Select all that are shown', on: { change: (event) => app.list.selectAll(event.currentTarget.checked) } });
        for (const action of Object.keys(ACTIONS)) this.#buttons.set(action, this.#button(action));
        const behind = [...this.#buttons].filter(([action]) => !FIRST.includes(action)).map(([, button]) => button);
        this.actions = h('span', { class: 'wb-bulk-actions' }, FIRST.map((action) => this.#buttons.get(action)), moreMenu(behind, 'wb-small'));
        this.actions.hidden = true;
        this.element = h('div', { class: 'wb-bulk', role: 'toolbar', 'aria-label': 'Selected incidents' }, h('label', { class: 'wb-check' }, this.all), this.count, this.actions);
    }

    /** Show how many are selected and what can be done to them. */
    show() {
        const chosen = this.#chosen();
        const shown = this.app.list.incidents.length;
        this.all.checked = chosen.length > 0 && chosen.length === shown;
        this.all.indeterminate = chosen.length > 0 && chosen.length < shown;
        this.all.disabled = !shown;
        const number = chosen.length || `${shown}${this.app.cursor ? '+' : ''}`;
        fill(this.count, number, h('span', { class: chosen.length ? 'wb-wide' : null }, chosen.length ? ' selected' : ' shown'));
        this.actions.hidden = !chosen.length;
        for (const [action, button] of this.#buttons) {
            const why = this.#whyNot(action, chosen);
            button.title = why;
            if (why) button.setAttribute('aria-disabled', 'true');
            else button.removeAttribute('aria-disabled');
        }
    }

    #button(action) {
        const act = (event) => {
            event.currentTarget.closest('details')?.removeAttribute('open');
            this.#start(action);
        };
        const look = FIRST.includes(action) ? 'wb-small' : 'wb-menu-item';
        return h('button', { type: 'button', class: `wb-button ${look}`, 'data-bulk': action, on: { click: act } }, ACTIONS[action].label);
    }

    #chosen() {
        return this.app.list.incidents.filter((one) => this.app.list.selection.has(one.id));
    }

    #whyNot(action, chosen) {
        if (chosen.length > MAX_AT_ONCE) return `At most ${MAX_AT_ONCE} at once.`;
        return chosen.some(ACTIONS[action].fits) ? '' : 'None of the selected ones is in a state for this.';
    }

    async #start(action) {
        const { label, fits, fields, danger, effect } = ACTIONS[action];
        const chosen = this.#chosen();
        const why = this.#whyNot(action, chosen);
        if (why) {
            this.app.say(`${label}: ${why}`);
            return;
        }
        const fitting = chosen.filter(fits);
        const left = chosen.length - fitting.length;
        const choices = await this.app.choices();
        const change = new Change();
        ask({
            title: `${label}: ${many(fitting.length, 'incident')}`, danger, submit: `${label} ${fitting.length}`,
            fields: fields?.(choices) ?? [], draft: [action, ...fitting.map((one) => one.id)].join(),
            effects: () => [
                ...fitting.slice(0, 5).map((one) => `${one.id} “${one.title}”`),
                fitting.length > 5 && `and ${fitting.length - 5} more`,
                left > 0 && `${many(left, 'selected incident')} not in a state for this: left as ${left === 1 ? 'it is' : 'they are'}.`,
                effect,
            ].filter(Boolean),
            act: async (values) => {
                const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
                const body = { action, ids: fitting.map((one) => one.id), ...given };
                const { body: answer } = await change.send('POST', 'incidents/bulk', body);
                this.#tell(label, answer);
                this.app.list.selectAll(false);
                this.app.changed();
            },
        });
    }

    #tell(label, { results, succeeded, failed }) {
        const failures = results.filter((one) => !one.ok);
        const first = failures.slice(0, 3).map((one) => `${one.id}: ${one.detail}`).join(' ');
        this.app.say(`${label}: done to ${many(succeeded, 'incident')}${failed ? `, not to ${failed}. ${first}` : '.'}`, failed > 0);
    }
}
