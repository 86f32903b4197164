/**
 * How something is done to the incident that is open: asked first, sent once, told.
 */

import { Change, Conflict } from './change.js';
import { ask, explained } from './forms.js';
import { whyNot } from './moves.js';
import { openIncidents } from './offers.js';

export class Making {
    #app;
    #under = new Set();

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.#app = app;
    }

    /** Do something to the incident that is open, asking first what it takes; once, however often it is pressed. */
    async make(move) {
        const { seen } = this.#app.detail;
        const once = `${move.id}/${seen?.incident.id}`;
        if (!seen || this.#under.has(once)) return;
        this.#under.add(once);
        this.#app.detail.wait(true);
        try {
            await this.#make(move, seen);
        } finally {
            this.#under.delete(once);
            this.#app.detail.wait(this.#under.size > 0);
        }
    }

    async #make(move, seen) {
        const { incident } = seen;
        const why = move.id === 'analyze' && this.#app.running(incident.id) !== undefined ? 'It is running.' : whyNot(move, incident, this.#app.me.capabilities);
        if (why) {
            this.#app.say(`${move.label}: ${why}`);
            return;
        }
        const change = new Change(move.guarded === false ? undefined : seen, this.#app.me.name);
        // A copy: the form of another incident may be open before all is read of this one.
        const choices = { ...(move.fields && await this.#app.choices()), ...await move.reads?.(incident) };
        if (move.id === 'merge') choices.others = await openIncidents();
        const fields = move.fields?.(incident, choices) ?? [];
        const act = (values) => this.#act(move, change, seen, values);
        if (!fields.length && !move.danger) {
            // Until the page shows what was done, a second press would be another try at it.
            await act({}).then((shown) => shown.read, (error) => this.#app.said.show(explained(error), true));
            return;
        }
        if (this.#app.detail.id !== incident.id) return; // somebody went on to another while this was read
        ask({
            title: `${move.label}: ${incident.id}`, about: incident.title, fields, danger: move.danger, submit: move.label, act, draft: `${move.id}/${incident.id}`,
            effects: (values) => move.effects?.(incident, values, choices) ?? [],
        });
    }

    async #act(move, change, seen, values) {
        const { incident } = change.seen ?? seen;
        try {
            const { body } = await change.send(move.method ?? 'POST', move.path(incident, values), (now = incident) => move.body?.(values, now) ?? {});
            this.#app.say(move.done(move.id === 'snooze' || move.id === 'propose' ? incident : body, body));
            if (move.id === 'analyze') this.#app.watch(incident.id, body.sid);
            if (move.id === 'propose' && incident.id === this.#app.detail.id) this.#app.detail.turn('fixes');
            if (move.id === 'snooze') this.#app.held.look();
            return { read: this.#app.changed(incident.id) };
        } catch (error) {
            if (error instanceof Conflict) this.#app.detail.take(error.seen);
            throw error;
        }
    }
}
