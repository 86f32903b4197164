/**
 * On call: each rota's present and next person, its coming two weeks, and the covers.
 */

import { lacks } from './actions.js';
import { ApiError, get } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { isOver, now, shortMoment, timeZone } from './format.js';
import { ask, readFailure, showInDialog } from './forms.js';
import { showHandover } from './handover.js';
import { showLoad } from './load.js';
import { secondsOf } from './zones.js';

const ANYBODY = '';

export class OnCall {
    /** @param {import('./main.js').Workbench} app */
    constructor(app) {
        this.app = app;
        this.button = h('button', { type: 'button', class: 'wb-quiet', hidden: true, title: 'Who is on call (d)', on: { click: () => this.show() } }, 'On call');
    }

    /** Read who is on call, and show it in the button's tooltip. */
    async refreshButton() {
        try {
            const { body } = await get('on-call');
            const duties = body.rotas.map(({ name, now: at }) => `${name}: ${at.person || 'nobody'}`).join(', ');
            this.button.hidden = false;
            this.button.title = `${duties || 'Handover'} (d)`;
        } catch (error) {
            if (!(error instanceof ApiError)) throw error; // the list shows the error
        }
    }

    /** Show the dialog. */
    async show() {
        if (document.querySelector('dialog[open]')) return;
        const body = h('div', {}, h('p', { class: 'wb-dim' }, 'Loading …'));
        const report = (label, title, act) => h('button', { type: 'button', class: 'wb-button', title, on: { click: () => then(() => act(this.app))() } }, label);
        const dialog = showInDialog('On call', body,
            report('Load', 'How often each person was called, and for what', showLoad),
            report('Handover', 'What the next person on call needs to know', showHandover));
        const then = (question) => () => {
            dialog.close(); // one dialog at a time
            question();
        };
        try {
            const [{ body: duty }, { body: agreed }] = await Promise.all([get('on-call'), get('on-call/covers')]);
            fill(body,
                duty.rotas.map((rota) => this.#rota(rota, duty.people, then)),
                !duty.rotas.length && h('p', { class: 'wb-dim' }, 'No on-call rotas are set up. An administrator adds them under Configuration › On-call rotas.'),
                this.#covers(agreed.covers.filter((one) => !isOver(one)), then));
        } catch (error) {
            fill(body, readFailure(error, 'Close this dialog and open it again.'));
        }
    }

    #rota(rota, people, then) {
        const { now: at, next } = rota;
        return h('section', { class: 'wb-part', 'aria-label': `Rota ${rota.name}` },
            h('h3', {}, `Rota ${rota.name}`),
            h('p', {}, h('strong', {}, at.person || 'Nobody'), at.person && ` since ${shortMoment(at.start)}`),
            h('p', { class: 'wb-dim' }, at.reason),
            h('p', {}, next ? `Next: ${next.person || 'nobody'} from ${shortMoment(next.start)}` : 'No change in the coming turns.'),
            h('details', { class: 'wb-over' }, h('summary', {}, 'Next two weeks'), h('ul', {}, rota.schedule.map(shiftRow))),
            this.app.mayWrite && h('div', { class: 'wb-actions' }, h('button', { type: 'button', class: 'wb-button', on: { click: then(() => this.#cover(rota, people)) } }, 'Add cover …')));
    }

    #covers(covers, then) {
        if (!covers.length) return null;
        const row = (one) => h('li', { class: 'wb-suppression' },
            h('div', {},
                h('div', { class: 'wb-entry-title' }, `${one.person} covers for ${one.instead_of || 'the person on call'}`),
                h('div', { class: 'wb-entry-text' }, one.reason),
                h('div', { class: 'wb-dim' }, [one.rota, `${shortMoment(one.starts_at)} to ${shortMoment(one.ends_at)}`, `by ${one.created_by}`, one.id].join(' · '))),
            this.#mayEnd(one) && h('button', { type: 'button', class: 'wb-button wb-small', on: { click: then(() => this.#end(one)) } }, 'End cover …'));
        return h('section', { class: 'wb-part', 'aria-label': 'Covers' }, h('h3', {}, 'Covers'), h('ul', {}, covers.map(row)));
    }

    get #mayActForOthers() {
        return !lacks(this.app.me.capabilities, 'incident_admin');
    }

    #mayEnd(one) {
        const { app: { me, mayWrite } } = this;
        return mayWrite && (this.#mayActForOthers || [one.person, one.instead_of, one.created_by].includes(me.name));
    }

    #cover(rota, people) {
        const change = new Change();
        const { me } = this.app;
        const known = [...new Set([me.name, ...people])];
        const onIt = [...new Set([...rota.members, ...rota.schedule.map((span) => span.person).filter(Boolean)])];
        ask({
            title: `Cover: ${rota.name}`, submit: 'Add cover', draft: `cover/${rota.name}`,
            about: `Times are in the time zone ${timeZone()}.`,
            fields: [
                { name: 'person', label: 'Covered by', kind: 'select', value: me.name, options: known.map((name) => [name, name === me.name ? `${name} (you)` : name]) },
                { name: 'instead_of', label: 'For', kind: 'select', value: rota.now.person === me.name ? ANYBODY : rota.now.person, options: [[ANYBODY, 'the person on call'], ...onIt.map((name) => [name, name])] },
                { name: 'from', label: 'From', kind: 'moment', help: 'If empty, it starts now.' },
                { name: 'until', label: 'Until', kind: 'moment', required: true },
                { name: 'reason', label: 'Reason', kind: 'area' },
            ],
            effects: (values) => effectsOf(values, this.#mayActForOthers ? '' : me.name),
            act: async ({ person, instead_of, from, until, reason }) => {
                const times = { ends_at: secondsOf(until, timeZone()), ...(from && { starts_at: secondsOf(from, timeZone()) }) };
                const { body } = await change.send('POST', 'on-call/covers', { rota: rota.name, person, instead_of, reason, ...times });
                this.app.showToast(`${body.person} covers for ${body.instead_of || 'the person on call'} until ${shortMoment(body.ends_at)}.`);
                this.#again();
            },
        });
    }

    #end(one) {
        const change = new Change();
        ask({
            title: `End ${one.id}`, about: `${one.person} covers for ${one.instead_of || 'the person on call'}`, fields: [], danger: true, submit: 'End cover',
            effects: () => ['The rota applies again immediately. Unacknowledged incidents go to the person who is then on call.'],
            act: async () => {
                await change.send('DELETE', `on-call/covers/${encodeURIComponent(one.id)}`);
                this.app.showToast(`Cover ${one.id} ended.`);
                this.#again();
            },
        });
    }

    /** Show the dialog again, once the form has closed. */
    #again() {
        this.refreshButton();
        setTimeout(() => this.show());
    }
}

function shiftRow(span) {
    const of = span.instead_of && ` for ${span.instead_of}`;
    return h('li', { title: span.reason }, `${shortMoment(span.start)} to ${shortMoment(span.end)}: `, h('strong', {}, span.person || 'nobody'), of);
}

/** @param {string} me the user, if the cover must involve them; else empty */
function effectsOf({ person, instead_of, from, until }, me) {
    if (person === instead_of) return [`${person} can’t cover for themselves. Choose two people.`];
    if (me && ![person, instead_of].includes(me)) return ['You can only cover for somebody, or have somebody cover for you.'];
    if (!until) return [];
    const [begins, ends] = [from ? secondsOf(from, timeZone()) : now(), secondsOf(until, timeZone())];
    if (ends <= Math.max(begins, now())) return ['The end must be after the start and in the future. Choose a later end.'];
    return [
        `When ${instead_of || 'anybody else'} would be on call, ${person} is on call instead, ${from ? `from ${shortMoment(begins)} ` : ''}until ${shortMoment(ends)}.`,
        'Unacknowledged incidents are handed over when the cover begins and when it ends.',
    ];
}
