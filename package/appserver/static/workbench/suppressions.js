/**
 * The suppressions (maintenance windows, mutes and snoozes), the signals that they suppressed, and the change freezes.
 */

import { ApiError, get } from './api.js';
import { Change } from './change.js';
import { fill, h, keepingPlace } from './dom.js';
import { describeWindow, isOver, plural } from './format.js';
import { ask, readFailure, RETRY_NOTE } from './forms.js';
import { freezesPart } from './freezes.js';
import { describeSchedule, NO_END, parseSchedule, scheduleFields } from './schedule.js';
import { signalSummary } from './signals.js';

const SIGNALS_AT_ONCE = 50;
const SPANS = [['1800', '30 minutes'], ['3600', '1 hour'], ['14400', '4 hours'], ['28800', '8 hours'], ['86400', '1 day'], ['604800', '1 week']];
const NAMES = [['rule', 'Detection'], ['entity', 'Host, service or user'], ['tag', 'Tag']];

/**
 * @typedef {Object<string, any>} Suppression as `GET /suppressions` has it
 */

export class Suppressions {
    #turn = 0;
    #only = '';
    #shown = '';
    #focusOnOpen = false;

    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet wb-held', title: 'Suppressions and change freezes (h)', on: { click: () => app.showSuppressions() } });
        this.body = h('div', { class: 'wb-detail-body' });
        this.element = h('article', { class: 'wb-scroll wb-beside', 'aria-label': 'Suppressions', hidden: true }, this.body);
        this.#count(0);
    }

    /** Count the suppressions in force on the button. */
    async refreshButton() {
        try {
            this.#count((await get('suppressions', { in_force: true })).body.suppressions.length);
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list shows the error
        }
    }

    #count(number) {
        fill(this.button, 'Suppressions', number > 0 && ' ', number > 0 && h('span', { class: 'wb-count', 'aria-label': `${number} in force` }, number));
    }

    /** Show or hide the page. */
    async show(on) {
        const opened = on && this.element.hidden;
        this.element.hidden = !on;
        if (!on) this.#turn += 1;
        if (!opened) return;
        this.#only = '';
        this.#shown = '';
        this.#focusOnOpen = [this.button, document.body].includes(document.activeElement);
        fill(this.body, h('p', { class: 'wb-dim' }, 'Loading …'));
        await this.reload();
    }

    /** Read everything again, if the page is shown. */
    async reload() {
        if (this.element.hidden) return;
        const turn = (this.#turn += 1);
        try {
            const [{ body: listed }, { body: found }, { body: frozen }] = await Promise.all([
                get('suppressions'), get('suppressions/signals', { suppression: this.#only, limit: SIGNALS_AT_ONCE }), get('freezes'),
            ]);
            if (turn === this.#turn) this.#take(listed.suppressions, found, frozen.freezes);
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            if (turn !== this.#turn) return;
            if (['session', 'away'].includes(error.kind)) this.app.trouble(error);
            if (!this.#shown) fill(this.body, readFailure(error, RETRY_NOTE));
        }
    }

    #take(suppressions, found, freezes) {
        this.#count(suppressions.filter((one) => one.in_force).length);
        const shown = JSON.stringify([this.#only, suppressions, found, freezes]);
        if (shown === this.#shown) return; // redrawing would move what the user points at
        this.#shown = shown;
        const over = suppressions.filter(isOver);
        const current = suppressions.filter((one) => one.in_force);
        const waiting = suppressions.filter((one) => !one.in_force && !isOver(one));
        keepingPlace(this.element, () => fill(this.body,
            h('div', { class: 'wb-row' }, h('button', { type: 'button', class: 'wb-quiet wb-back', 'data-place': 'back', on: { click: () => this.app.backToList() } }, '‹ List')),
            h('h1', { tabindex: -1 }, 'Suppressions'),
            h('p', { class: 'wb-description' }, 'Signals that match a suppression open no incident. They are still stored and counted.'),
            this.app.mayWrite && h('div', { class: 'wb-actions' }, this.#button('Suppress signals …', 'add', () => this.#add())),
            this.#section('In force now', current, 'No suppression is in force.'),
            waiting.length > 0 && this.#section('Scheduled', waiting),
            over.length > 0 && h('details', { class: 'wb-over' }, h('summary', { 'data-place': 'over' }, `${over.length} ended`), h('ul', {}, over.map((one) => this.#row(one)))),
            freezesPart(this.app, freezes, () => this.reload()),
            this.#signals(suppressions, found)));
        // Move the focus into the page, not to the end of a list of fifty rows.
        if (this.#focusOnOpen) this.body.querySelector('h1').focus();
        this.#focusOnOpen = false;
    }

    #section(title, some, otherwise = '') {
        return h('section', { class: 'wb-part', 'aria-label': title }, h('h2', {}, title),
            some.length ? h('ul', {}, some.map((one) => this.#row(one))) : h('p', { class: 'wb-dim' }, otherwise));
    }

    /** @param {Suppression} one */
    #row(one) {
        const signals = one.signals > 0 && h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': `signals-${one.id}`, 'aria-pressed': String(one.id === this.#only), on: { click: () => this.#showOnly(one.id) } }, `${one.more ? 'More than ' : ''}${plural(one.signals, 'signal')}`);
        return h('li', { class: 'wb-suppression' },
            h('div', {},
                h('div', { class: 'wb-row' }, h('span', { class: 'wb-tag' }, one.kind), h('span', { class: 'wb-entry-title' }, aboutWhat(one))),
                h('div', { class: 'wb-entry-text' }, one.reason),
                h('div', { class: 'wb-dim' }, [describeWindow(one), one.created_by && `by ${one.created_by}`, one.id].filter(Boolean).join(' · '))),
            h('div', { class: 'wb-row' }, signals, this.app.mayWrite && !isOver(one) && this.#button('End …', `end-${one.id}`, () => this.#end(one))));
    }

    #signals(suppressions, { signals, more }) {
        const only = suppressions.find((one) => one.id === this.#only);
        const rows = signals.map((signal) => h('li', { class: 'wb-signal wb-plain' }, h('div', {}, signalSummary(signal), h('div', { class: 'wb-dim' }, signal.suppressed_because))));
        return h('section', { class: 'wb-part', 'aria-label': 'Signals' },
            h('h2', {}, only ? `Signals suppressed by ${only.id}` : 'Suppressed signals, newest first'),
            only && h('button', { type: 'button', class: 'wb-button wb-small', 'data-place': 'all', on: { click: () => this.#showOnly('') } }, 'Show all'),
            rows.length ? h('ul', { class: 'wb-signals' }, rows) : h('p', { class: 'wb-dim' }, 'No suppressed signals.'),
            more && h('p', { class: 'wb-dim' }, `Only the newest ${signals.length} signals are shown.`));
    }

    async #showOnly(id) {
        this.#only = id === this.#only ? '' : id;
        await this.reload();
    }

    #button(label, place, act) {
        return h('button', { type: 'button', class: 'wb-button', 'data-place': place, on: { click: act } }, label);
    }

    #add() {
        const change = new Change();
        const listed = { rule: this.#listed('rules'), entity: this.#listed('entities'), tag: [] };
        ask({
            title: 'Suppress signals', submit: 'Suppress', draft: 'held',
            fields: [
                ...NAMES.map(([name, label]) => ({ name, label, suggestions: listed[name].map((one) => [one, '']) })),
                ...scheduleFields(SPANS, '3600'),
                { name: 'reason', label: 'Reason', kind: 'area', required: true },
            ],
            effects: (values) => {
                const given = Object.fromEntries(NAMES.map(([name]) => [name, values[name] || '*']));
                if (Object.values(given).every((pattern) => pattern === '*')) return ['Fill in at least one of the first three fields. * matches any text, ? one character. A signal must match every field that you fill in.'];
                const times = parseSchedule(values);
                return [times.problem ?? `Signals about ${aboutWhat(given)} open no incident ${describeSchedule(times)}. They are still stored and counted.`];
            },
            act: async (values) => {
                const { problem, ...times } = parseSchedule(values);
                if (problem) throw new ApiError('refused', problem);
                const given = Object.fromEntries([...NAMES.map(([name]) => name), 'reason'].map((name) => [name, values[name]]).filter(([, value]) => value));
                const kind = times.ends_at || times.days ? 'maintenance' : 'mute';
                // A duration from now is counted by the server's clock: the browser's may be wrong.
                const length = values.from || values.until || values.seconds === NO_END ? {} : { ends_at: undefined, seconds: Number(values.seconds) };
                const { body } = await change.send('POST', 'suppressions', { kind, ...given, ...times, ...length });
                this.app.showToast(body.in_force ? `Signals are suppressed now (${body.id}).` : `Signals will be suppressed ${describeSchedule(body)} (${body.id}).`);
                this.reload();
            },
        });
    }

    /** The values of a field in the listed incidents, as suggestions. */
    #listed(field) {
        return [...new Set(this.app.list.incidents.flatMap((one) => one[field] ?? []))].sort();
    }

    /** @param {Suppression} one */
    #end(one) {
        const change = new Change();
        ask({
            title: `End ${one.id}`, about: one.reason, fields: [], danger: true, submit: 'End suppression',
            effects: () => [`New signals about ${aboutWhat(one)} open incidents again.`, 'Signals that were suppressed stay suppressed. A problem that continues opens its incident.'],
            act: async () => {
                await change.send('DELETE', `suppressions/${encodeURIComponent(one.id)}`);
                this.app.showToast(`${one.id} ended.`);
                if (this.#only === one.id) this.#only = '';
                this.reload();
            },
        });
    }
}

/** Describe what a suppression matches; all of its patterns must match. */
function aboutWhat(one) {
    const named = [['rule', 'the detection'], ['entity', ''], ['tag', 'the tag']].filter(([name]) => one[name] && one[name] !== '*');
    return named.map(([name, word]) => `${word} “${one[name]}”`.trim()).join(' and ');
}
