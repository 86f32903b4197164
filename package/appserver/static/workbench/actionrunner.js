/**
 * Runs an action on the open incident: shows its form, sends the change once, and reports the result.
 */

import { whyNot } from './actions.js';
import { Change, Conflict } from './change.js';
import { openIncidents } from './choices.js';
import { ask, explainError } from './forms.js';

export class ActionRunner {
    #app;
    #inProgress = new Set();

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.#app = app;
    }

    /** Run an action on the open incident, after its form; only once, however often the button is pressed. */
    async perform(action) {
        const { seen } = this.#app.detail;
        const once = `${action.id}/${seen?.incident.id}`;
        if (!seen || this.#inProgress.has(once)) return;
        this.#inProgress.add(once);
        this.#app.detail.wait(true);
        try {
            await this.#perform(action, seen);
        } finally {
            this.#inProgress.delete(once);
            this.#app.detail.wait(this.#inProgress.size > 0);
        }
    }

    async #perform(action, seen) {
        const { incident } = seen;
        const why = action.id === 'analyze' && this.#app.running(incident.id) !== undefined ? 'An analysis is already running.' : whyNot(action, incident, this.#app.me.capabilities);
        if (why) {
            this.#app.showToast(`${action.label}: ${why}`);
            return;
        }
        const change = new Change(action.guarded === false ? undefined : seen, this.#app.me.name);
        // A copy: another incident's form may open while this one's choices are still being read.
        const choices = { ...(action.fields && await this.#app.choices()), ...await action.reads?.(incident) };
        if (action.id === 'merge') choices.others = await openIncidents();
        const fields = action.fields?.(incident, choices) ?? [];
        const act = (values) => this.#act(action, change, seen, values);
        if (!fields.length && !action.danger) {
            // A second press before the page shows the result would be a second change.
            await act({}).then((shown) => shown.read, (error) => this.#app.toast.show(explainError(error), true));
            return;
        }
        if (this.#app.detail.id !== incident.id) return; // the user opened another incident while this was read
        ask({
            title: `${action.label}: ${incident.id}`, about: incident.title, fields, danger: action.danger, submit: action.submit ?? action.label, act, draft: `${action.id}/${incident.id}`,
            effects: (values) => action.effects?.(incident, values, choices) ?? [],
        });
    }

    async #act(action, change, seen, values) {
        const { incident } = change.seen ?? seen;
        try {
            const { body } = await change.send(action.method ?? 'POST', action.path(incident, values), (now = incident) => action.body?.(values, now) ?? {});
            this.#app.showToast(action.done(action.id === 'snooze' || action.id === 'propose' ? incident : body, body));
            if (action.id === 'analyze') this.#app.watch(incident.id, body.sid);
            if (action.id === 'propose' && incident.id === this.#app.detail.id) this.#app.detail.showTab('fixes');
            if (action.id === 'snooze') this.#app.suppressions.refreshButton();
            return { read: this.#app.changed(incident.id) };
        } catch (error) {
            if (error instanceof Conflict) this.#app.detail.update(error.seen);
            throw error;
        }
    }
}
