/**
 * Actions on several selected incidents, each with a result of its own.
 */

import { moreMenu } from './actionbar.js';
import { actionById } from './actions.js';
import { MAX_SHOWN } from './address.js';
import { ApiError, isWithoutAnswer } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { bulkEffects, bulkQuestions, hasFields } from './fields.js';
import { isOpen, plural, serviceLevel, SEVERITIES } from './format.js';
import { ask } from './forms.js';

// Incidents per request; more are sent one request after another, to show progress. The API takes 200.
const AT_ONCE = 50;
const MAX_MERGED = 50;
// Shown beside the count; the others are in the menu More, so that the bar keeps its height.
const FIRST = ['acknowledge', 'assign', 'resolve'];

const open = (incident) => isOpen(incident);
const resolved = (incident) => incident.status === 'resolved';
const any = () => true;
const listed = (one) => `${one.id} “${one.title}”`;

/**
 * Bulk actions: label, which incidents it `fits`, form fields, fixed values sent `with` them, effects, the `least` and
 * `most` incidents, and `offered` as in actions.js. They are those of `POST /incidents/bulk`, and a merge, which has
 * its own route.
 */
const BULK_ACTIONS = {
    acknowledge: { label: 'Acknowledge', fits: (one) => open(one) && one.status !== 'in_progress' },
    assign: { label: 'Assign', fits: open, fields: (choices) => actionById('assign').fields({}, choices) },
    note: { label: 'Note', fits: any, fields: () => [{ name: 'text', label: 'Note', kind: 'area', required: true }] },
    escalate: { label: 'Escalate', fits: open, fields: (choices) => actionById('escalate').fields({}, choices) },
    severity: {
        label: 'Severity', fits: any,
        fields: () => [{ name: 'severity', label: 'Severity', kind: 'select', options: SEVERITIES.map((one) => [one, one]) }],
    },
    field: { label: 'Set a field', fits: any, offered: hasFields, fields: bulkQuestions, effects: bulkEffects },
    resolve: { label: 'Resolve', fits: open, fields: () => actionById('resolve').fields() },
    reopen: { label: 'Reopen', fits: resolved, fields: () => actionById('reopen').fields() },
    close: { label: 'Close', fits: resolved, danger: true, fields: () => actionById('close').fields(), effects: () => ['They are closed permanently and can’t be reopened. The next signal of a problem opens a new incident.'] },
    review: {
        label: 'Skip review', fits: (one) => !open(one), with: { state: 'not_needed' },
        fields: () => [{ name: 'reason', label: 'Reason', kind: 'area', required: true }], effects: () => ['Their reviews are no longer listed as due.'],
    },
    merge: {
        label: 'Merge', fits: open, danger: true, least: 2, most: MAX_MERGED + 1,
        fields: (_choices, fitting) => [
            { name: 'into', label: 'Target incident', kind: 'select', options: fitting.map((one) => [one.id, listed(one)]) },
            { name: 'reason', label: 'Reason', kind: 'area' },
        ],
        effects: ({ into }) => [`The others are closed and point to ${into}. Their signals, and later signals of the same problems, count there. You can undo each merge.`],
        send: merge,
    },
};

export class BulkBar {
    #asking = false;
    #buttons = new Map();

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.count = h('span', { role: 'status' });
        this.all = h('input', { type: 'checkbox', 'aria-label': 'Select all shown incidents', on: { change: (event) => app.list.selectAll(event.currentTarget.checked) } });
        for (const action of Object.keys(BULK_ACTIONS)) this.#buttons.set(action, this.#button(action));
        const behind = [...this.#buttons].filter(([action]) => !FIRST.includes(action)).map(([, button]) => button);
        this.most = h('button', { type: 'button', class: 'wb-button wb-menu-item', hidden: true, on: { click: (event) => this.#selectMost(event) } }, `Select up to ${MAX_SHOWN}`);
        this.actions = h('span', { class: 'wb-bulk-actions' }, FIRST.map((action) => this.#buttons.get(action)), moreMenu([this.most, ...behind], 'wb-small'));
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
        this.#showCount(chosen.length);
        this.actions.hidden = !chosen.length;
        this.most.hidden = chosen.length < shown || shown >= MAX_SHOWN || !this.app.cursor;
        for (const [action, button] of this.#buttons) {
            const why = this.#whyNot(action, chosen);
            button.hidden = BULK_ACTIONS[action].offered?.() === false;
            button.title = why;
            if (why) button.setAttribute('aria-disabled', 'true');
            else button.removeAttribute('aria-disabled');
        }
    }

    /** Show how many are selected, else how many are shown and need attention; only a changed text is announced. */
    #showCount(selected) {
        const { incidents } = this.app.list;
        const shown = `${incidents.length.toLocaleString('en')}${this.app.cursor ? '+' : ''}`;
        const standing = attentionCounts(incidents);
        const words = selected ? [selected, h('span', { class: 'wb-wide' }, ' selected')] : [shown, ' shown', standing && ': ', standing];
        const now = h('span', {}, words);
        if (now.textContent !== this.count.textContent) fill(this.count, ...now.childNodes);
    }

    #selectMost(event) {
        event.currentTarget.closest('details').removeAttribute('open');
        this.app.selectMost();
    }

    #button(action) {
        const act = (event) => {
            event.currentTarget.closest('details')?.removeAttribute('open');
            this.#start(action);
        };
        const look = FIRST.includes(action) ? 'wb-small' : 'wb-menu-item';
        return h('button', { type: 'button', class: `wb-button ${look}`, 'data-bulk': action, on: { click: act } }, BULK_ACTIONS[action].label);
    }

    #chosen() {
        return this.app.list.incidents.filter((one) => this.app.list.selection.has(one.id));
    }

    #whyNot(action, chosen) {
        const { fits, least = 1, most = Infinity } = BULK_ACTIONS[action];
        const fitting = chosen.filter(fits).length;
        if (!fitting) return 'None of the selected incidents is in a state for this.';
        if (fitting < least) return 'Select at least two open incidents.';
        return fitting > most ? `Select at most ${most} incidents.` : '';
    }

    /** Show the form of an action; only once, however often the button is pressed before the form opens. */
    async #start(action) {
        if (this.#asking) return;
        this.#asking = true;
        try {
            await this.#ask(action);
        } finally {
            this.#asking = false;
        }
    }

    async #ask(action) {
        const { label, fits, fields, with: besides, danger, effects, send = inParts } = BULK_ACTIONS[action];
        const chosen = this.#chosen();
        const why = this.#whyNot(action, chosen);
        if (why) {
            this.app.showToast(`${label}: ${why}`);
            return;
        }
        const fitting = chosen.filter(fits);
        const left = chosen.length - fitting.length;
        const choices = await this.app.choices();
        const sending = send(action, fitting.map((one) => one.id));
        ask({
            title: `${label}: ${plural(fitting.length, 'incident')}`, danger, submit: `${label} ${fitting.length}`,
            fields: fields?.(choices, fitting) ?? [], draft: [action, ...fitting.map((one) => one.id)].join(),
            effects: (values) => [
                ...fitting.slice(0, 5).map(listed),
                fitting.length > 5 && `and ${fitting.length - 5} more`,
                left > 0 && `${plural(left, 'selected incident')} not in a state for this: unchanged.`,
                ...effects?.(values) ?? [],
            ].filter(Boolean),
            act: async (values, progress) => {
                const given = { ...Object.fromEntries(Object.entries(values).filter(([, value]) => value)), ...besides };
                try {
                    this.#showResult(label, await sending(given, progress));
                    this.app.list.selectAll(false);
                } finally {
                    this.app.changed(this.app.detail.id); // a part may have been done
                }
            },
        });
    }

    #showResult(label, results) {
        const failures = results.filter((one) => !one.ok);
        const failed = failures.length;
        const first = failures.slice(0, 3).map((one) => `${one.id}: ${one.detail}`).join(' ');
        this.app.showToast(`${label}: ${plural(results.length - failed, 'incident')} changed${failed ? `, ${failed} failed. ${first}` : '.'}`, failed > 0);
    }
}

/** How many incidents of a list missed a deadline, and how many have no owner. */
function attentionCounts(incidents) {
    const late = incidents.filter((one) => serviceLevel(one).state === 'breached').length;
    const free = incidents.filter((one) => isOpen(one) && !one.owner).length;
    return [late && `${late} late`, free && `${free} without an owner`].filter(Boolean).join(', ');
}

/**
 * Send `POST /incidents/bulk`, in parts. A retry continues where it stopped.
 * @param {string} action
 * @param {string[]} ids
 */
function inParts(action, ids) {
    const results = [];
    let part = new Change();
    return async (values, progress) => {
        while (results.length < ids.length) {
            const next = ids.slice(results.length, results.length + AT_ONCE);
            if (ids.length > AT_ONCE) progress(`${results.length} of ${ids.length} done …`);
            const { body } = await part.send('POST', 'incidents/bulk', { action, ids: next, ...values });
            results.push(...body.results);
            part = new Change();
            if (body.results.some((one) => one.status >= 500)) break; // Splunk is away: the others would wait as long
        }
        const rest = ids.slice(results.length).map((id) => ({ id, ok: false, detail: 'Not tried, as an earlier one failed.' }));
        return [...results, ...rest];
    };
}

/**
 * Merge all into the chosen incident, one after another: a very large one takes long, and a refused one does not
 * stop the others. A retry continues where it stopped.
 */
function merge(_action, ids) {
    const results = new Map();
    let change = new Change();
    return async ({ into, reason = '' }, progress) => {
        const from = ids.filter((id) => id !== into);
        for (const id of from.filter((one) => !results.has(one))) {
            progress(`${results.size} of ${from.length} done …`);
            results.set(id, await ended(change.send('POST', `incidents/${encodeURIComponent(id)}/merge`, { into, reason })));
            change = new Change();
        }
        return [...results].map(([id, result]) => ({ id, ...result }));
    };
}

/** Return the result of one change; throws if nothing answers or the session has ended, so that it can be retried. */
async function ended(sending) {
    try {
        await sending;
        return { ok: true };
    } catch (error) {
        if (!(error instanceof ApiError) || isWithoutAnswer(error)) throw error;
        return { ok: false, detail: error.message };
    }
}
