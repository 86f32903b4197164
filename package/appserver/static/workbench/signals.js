/**
 * The signals of an incident, which can be split off to a new one.
 */

import { Change, Conflict } from './change.js';
import { h } from './dom.js';
import { isOpen, moment, plural } from './format.js';
import { ask } from './forms.js';

/**
 * Return a signal's title, facts and sample rows.
 * @param {Object<string, any>} signal
 * @returns {Node[]}
 */
export function signalSummary(signal) {
    const samples = signal.rows ?? [];
    return [
        h('div', { class: 'wb-row' },
            h('span', { class: `wb-severity wb-${signal.severity}` }, signal.severity),
            h('span', { class: 'wb-entry-title' }, signal.title || signal.rule)),
        h('div', { class: 'wb-dim' }, [signal.rule, signal.entity, plural(signal.count ?? 1, 'event'), `${moment(signal.first_time)} to ${moment(signal.last_time)}`].filter(Boolean).join(' · ')),
        samples.length > 0 && h('details', { class: 'wb-samples' },
            h('summary', { 'data-place': `samples-${signal._key}` }, plural(samples.length, 'sample row')),
            samples.map((row) => h('pre', {}, Object.entries(row).map(([name, value]) => `${name}=${value}`).join('\n')))),
    ];
}

export class SignalsPart {
    #chosen = new Set();

    /** @param {import('./detail.js').Detail} detail */
    constructor(detail) {
        this.detail = detail;
    }

    reset() {
        this.#chosen.clear();
    }

    /**
     * @param {{signals: Object<string, any>[], more: boolean}} found
     * @returns {Node[]}
     */
    show(found) {
        const { signals, more } = found;
        if (!signals.length) return [h('p', { class: 'wb-dim' }, 'No signals. The incident was opened by hand, or its signals moved to another incident.')];
        const known = new Set(signals.map((signal) => signal._key));
        this.#chosen = new Set([...this.#chosen].filter((key) => known.has(key)));
        this.button = h('button', { type: 'button', class: 'wb-button', 'data-place': 'split', on: { click: () => this.#split() } });
        this.#count();
        return [
            this.detail.app.mayWrite && h('div', { class: 'wb-row wb-part-actions' }, this.button),
            h('ul', { class: 'wb-signals' }, signals.map((signal) => this.#row(signal))),
            more && h('p', { class: 'wb-dim' }, `Only the newest ${signals.length} signals are shown.`),
        ];
    }

    #row(signal) {
        const box = h('input', {
            type: 'checkbox', 'aria-label': `Split off: ${signal.title || signal.rule}`, 'data-place': `signal-${signal._key}`,
            on: { change: (event) => this.#choose(signal._key, event.currentTarget.checked) },
        });
        box.checked = this.#chosen.has(signal._key);
        return h('li', { class: 'wb-signal' }, h('label', { class: 'wb-check' }, box), h('div', {}, signalSummary(signal)));
    }

    #choose(key, on) {
        if (on) this.#chosen.add(key);
        else this.#chosen.delete(key);
        this.#count();
    }

    #count() {
        const why = this.#whyNot();
        this.button.textContent = this.#chosen.size ? `Split ${plural(this.#chosen.size, 'signal')} off …` : 'Split off …';
        this.button.title = why;
        if (why) this.button.setAttribute('aria-disabled', 'true');
        else this.button.removeAttribute('aria-disabled');
    }

    #whyNot() {
        const { incident } = this.detail.seen;
        if (!isOpen(incident)) return 'Only open incidents can be split.';
        if (incident.signals < 2) return 'This incident has only one signal, and at least one must stay.';
        if (!this.#chosen.size) return 'Select signals first.';
        return this.#chosen.size >= incident.signals ? 'At least one signal must stay.' : '';
    }

    #split() {
        const { detail } = this;
        const why = this.#whyNot();
        if (why) {
            detail.app.showToast(why);
            return;
        }
        const { incident } = detail.seen;
        const signals = [...this.#chosen];
        const change = new Change(detail.seen, detail.app.me.name);
        ask({
            title: `Split ${plural(signals.length, 'signal')} off ${incident.id}`,
            fields: [{ name: 'title', label: 'Title of the new incident', help: 'If empty, the title of its first signal.' }, { name: 'reason', label: 'Reason', kind: 'area' }],
            effects: () => ['These signals move to a new incident.', 'If all signals of a problem move, its later signals go to the new incident, too.'],
            submit: 'Split off',
            act: async (values) => {
                const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
                try {
                    const { body } = await change.send('POST', `incidents/${incident.id}/split`, { signals, ...given });
                    this.#chosen.clear();
                    detail.app.showToast(`${plural(signals.length, 'signal')} moved to ${body.id}.`);
                    detail.app.changed(incident.id);
                } catch (error) {
                    if (error instanceof Conflict) detail.update(error.seen);
                    throw error;
                }
            },
        });
    }
}
