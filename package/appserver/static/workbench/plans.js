/**
 * Fixes: what is proposed, what the safety rules say of it now, and who decides.
 */

import { actionButton } from './actionbar.js';
import { get } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { ask, unread } from './forms.js';
import { lacks, moveOf, whyNot } from './moves.js';
import { many, moment } from './words.js';

const WAITING = ['proposed', 'approved'];
const UNDOABLE = ['done', 'recovered', 'insufficient_data', 'not_recovered', 'did_not_help', 'rollback_failed'];
// Of these it is read how they are proved, of those that wait also what the safety rules say.
const READ = [...WAITING, 'done'];
// Who can say what a fix would do without doing it, and how.
const DRY_RUN = 'Kubernetes checks the request, and stores nothing.';
const TRIED = {
    awx: 'AWX runs the playbook in check mode. Tasks with check_mode: false are carried out all the same.',
    kubernetes: DRY_RUN,
    kubernetes_restart: DRY_RUN,
    kubernetes_scale: DRY_RUN,
    lambda: 'AWS Lambda is asked whether the alias, its tag and the former version are as they must be. Nothing is changed.',
    launchdarkly: 'LaunchDarkly checks the request, and stores nothing.',
};
// What waits for people, what has helped, what went wrong; the others are as they should be, or past.
const TONES = [[WAITING, 'now'], [['recovered'], 'good'], [['failed', 'did_not_help', 'not_recovered', 'rollback_failed', 'insufficient_data'], 'bad']];
// Each asks the service that it is about: more than these wait for nobody.
const MAX_CHECKED = 3;
const OVERRIDE = { name: 'override', label: 'Why in a change freeze', kind: 'area', help: 'It stands on the timeline with your name.' };

/**
 * Read an incident's fixes, those that wait with their safety rules and how they are proved.
 * @param {string} id
 * @returns {Promise<Object<string, any>[]>} newest first
 */
export async function readPlans(id) {
    const { body } = await get(`incidents/${encodeURIComponent(id)}/plans`);
    const waiting = body.plans.filter((plan) => READ.includes(plan.status)).slice(0, MAX_CHECKED);
    const checked = await Promise.all(waiting.map((plan) => get(`plans/${encodeURIComponent(plan.plan_id)}`)));
    const byId = new Map(checked.map((answer) => [answer.body.plan_id, answer.body]));
    return body.plans.map((plan) => byId.get(plan.plan_id) ?? plan);
}

/**
 * @param {import('./detail.js').Detail} detail
 * @param {Object<string, any>[]} plans
 * @returns {Node[]}
 */
export function plansPart(detail, plans) {
    const move = moveOf('propose');
    const button = actionButton(detail, move, whyNot(move, detail.seen.incident, detail.app.me.capabilities));
    const none = h('p', { class: 'wb-dim' }, 'No fix is proposed. A fix takes an analysis that blames a change and cites it; nothing is done without an approval.');
    return [detail.app.mayWrite && h('div', { class: 'wb-row wb-part-actions' }, button), plans.length ? h('ul', { class: 'wb-plans' }, plans.map((plan) => one(detail, plan))) : none];
}

function one(detail, plan) {
    const given = Object.entries(plan.arguments ?? {}).map(([name, value]) => h('div', {}, h('dt', {}, name.replaceAll('_', ' ')), h('dd', {}, String(value))));
    return h('li', { class: 'wb-plan' },
        h('div', { class: 'wb-row' },
            h('span', { class: 'wb-entry-title' }, plan.summary || plan.label || plan.action),
            h('span', { class: `wb-tag wb-tag-${toneOf(plan.status)}` }, words(plan.status))),
        h('div', { class: 'wb-dim' }, [plan.plan_id, `proposed by ${plan.proposed_by ?? 'unknown'}`, moment(plan.created_at)].join(' · ')),
        plan.detail && h('p', {}, plan.detail),
        plan.next && h('p', {}, fact('Next: '), plan.next, plan.status === 'approved' && ` Its approval holds until ${moment(plan.expires_at)}.`),
        h('dl', { class: 'wb-facts' }, given),
        plan.blast_radius && h('p', {}, fact('What it touches: '), plan.blast_radius),
        plan.freeze && h('p', { class: 'wb-not-ok' }, plan.freeze),
        plan.proof && h('p', {}, fact('Proof: '), plan.proof),
        plan.cause && h('p', {}, fact('Because: '), plan.cause),
        plan.checks?.length > 0 && safety(plan),
        WAITING.includes(plan.status) && foreseen(plan),
        h('div', { class: 'wb-row' }, decisions(detail, plan)));
}

/** What would be sent to which service, read when it is opened. */
function foreseen(plan) {
    const shown = h('div', {});
    const part = h('details', { class: 'wb-samples' }, h('summary', {}, 'What would be done'), shown);
    part.addEventListener('toggle', async () => {
        if (!part.open) return;
        fill(shown, h('p', { class: 'wb-dim' }, 'It is looked up …'));
        try {
            const { body } = await get(`plans/${encodeURIComponent(plan.plan_id)}/preview`);
            fill(shown, [request('The fix', body.request), body.inverse ? request('What undoes it', body.inverse_request) : h('p', {}, 'It can’t be undone.')]);
        } catch (error) {
            fill(shown, unread(error, 'Fold it up, and unfold it again.'));
        }
    });
    return part;
}

function request(title, asked) {
    if (asked.problem) return h('p', { class: 'wb-not-ok' }, `${title}: ${asked.problem}`);
    return h('div', {}, h('p', {}, fact(`${title}: `), `${asked.method} ${asked.url}`), h('pre', {}, JSON.stringify(asked.body, null, 2)));
}

function toneOf(status) {
    return TONES.find(([statuses]) => statuses.includes(status))?.[1] ?? 'other';
}

function words(name) {
    return String(name).replaceAll('_', ' ');
}

function fact(name) {
    return h('span', { class: 'wb-dim' }, name);
}

/** What the safety rules say: what does not hold is seen at once, what holds is unfolded. */
function safety(plan) {
    // That nobody has approved yet is nothing wrong: it is what comes next.
    const waits = (check) => check.name === 'approval' && plan.status === 'proposed';
    const told = plan.checks.filter((check) => check.ok || !(check.name === 'freeze' || waits(check)));
    const list = (some, label) => h('ul', { class: 'wb-checks', 'aria-label': label }, some.map(rule));
    const [good, other] = [told.filter((check) => check.ok), told.filter((check) => !check.ok)];
    return [
        other.length > 0 && list(other, 'Safety checks that do not hold'),
        good.length > 0 && h('details', { class: 'wb-unfold' },
            h('summary', { 'data-place': `checks-${plan.plan_id}` }, `${many(good.length, 'safety check')} ${good.length === 1 ? 'holds' : 'hold'}`), list(good, 'Safety checks that hold')),
    ];
}

/** One safety rule's answer. */
function rule(check) {
    const [kind, mark, said] = check.ok ? ['wb-ok', '✓', 'holds: '] : ['wb-not-ok', '✗', 'does not hold: '];
    return h('li', { class: kind }, h('span', { 'aria-hidden': 'true' }, mark), h('span', { class: 'wb-hidden' }, said), h('span', {}, check.detail));
}

function decisions(detail, plan) {
    const { capabilities } = detail.app.me;
    const waits = WAITING.includes(plan.status);
    const failed = (plan.checks ?? []).filter((check) => !check.ok && (check.name !== 'approval' || plan.status === 'approved'));
    const limit = lacks(capabilities, 'incident_override') ? undefined : failed.find((check) => check.name === 'rate');
    const blocking = failed.find((check) => check !== limit);
    const offered = [];
    if (waits) {
        const why = lacks(capabilities, 'incident_approve');
        const frozen = plan.freeze && lacks(capabilities, 'incident_override');
        const own = plan.approve_own === false && plan.proposed_by === detail.app.me.name ? 'You proposed it: another person must approve it.' : '';
        offered.push(
            button(detail, 'approve', plan.freeze ? 'Approve in the freeze …' : 'Approve', why || own || frozen || (plan.status === 'approved' && !plan.freeze ? 'It is approved already.' : ''), () => approve(detail, plan), 'wb-primary'),
            button(detail, 'reject', 'Reject', why, () => reject(detail, plan)),
            TRIED[plan.executor] && button(detail, 'check', 'Try it …', lacks(capabilities, 'incident_remediate'), () => check(detail, plan)),
            button(detail, 'execute', 'Carry it out …', lacks(capabilities, 'incident_remediate') || (plan.status === 'approved' ? '' : 'It must be approved first.') || blocking?.detail || '', () => execute(detail, plan, limit?.detail), 'wb-danger'));
    }
    if (UNDOABLE.includes(plan.status) && plan.inverse) {
        offered.push(button(detail, 'rollback', 'Undo it …', lacks(capabilities, 'incident_remediate'), () => undo(detail, plan), 'wb-danger'));
    }
    return offered;
}

function button(detail, id, label, why, act, extra = '') {
    return h('button', {
        type: 'button', class: `wb-button ${why ? '' : extra}`, 'data-place': `plan-${id}`, 'data-move': id,
        'aria-disabled': why ? 'true' : null, title: why || null, on: { click: () => (why ? detail.app.say(why) : act()) },
    }, label);
}

function approve(detail, plan) {
    const votes = Number(plan.approvals) > 1 ? `It takes ${plan.approvals} people; ${(plan.approved_by ?? []).length} approved so far.` : '';
    decide(detail, plan, {
        verb: 'approve', title: 'Approve this fix', submit: plan.freeze ? 'Override the freeze and approve' : 'Approve', danger: Boolean(plan.freeze),
        fields: plan.freeze ? [{ ...OVERRIDE, required: true }] : [],
        body: ({ override }) => (override ? { plan_hash: plan.plan_hash, override } : { plan_hash: plan.plan_hash }),
        effects: [plan.freeze, plan.summary, plan.blast_radius, plan.proof, wayBack(plan), votes, 'Your approval holds for exactly this plan and for the state it was made for. It carries nothing out.'],
        done: (after) => (after.status === 'approved' ? 'The fix is approved; it is not carried out by itself.' : `Your approval is noted. ${after.next}`),
    });
}

function reject(detail, plan) {
    decide(detail, plan, {
        verb: 'reject', title: 'Reject this fix', submit: 'Reject', fields: [{ name: 'reason', label: 'Why', kind: 'area' }],
        body: ({ reason }) => (reason ? { reason } : {}), effects: ['It is not carried out, and can’t be approved any more.'], done: () => 'The fix is rejected.',
    });
}

function check(detail, plan) {
    decide(detail, plan, {
        verb: 'check', title: `Try, without carrying it out: ${plan.label || plan.action}`, submit: 'Try it', body: () => ({}),
        effects: [plan.summary, TRIED[plan.executor], 'How it went is noted on the timeline.'], done: (after) => after.detail,
    });
}

/** ``limit``: what hourly_limit says against it, which takes a reason. */
function execute(detail, plan, limit) {
    const by = (plan.approved_by ?? []).join(', ');
    decide(detail, plan, {
        verb: 'execute', title: `Carry out: ${plan.label || plan.action}`, submit: `Carry it out on ${plan.entity ?? 'the service'}`, danger: true,
        fields: limit ? [{ ...OVERRIDE, label: 'Why beyond the limit', required: true }] : [],
        body: ({ override }) => (override ? { override } : {}),
        effects: [
            limit, plan.summary, plan.blast_radius, `Approved by ${by || 'nobody'}${plan.expires_at ? `, until ${moment(plan.expires_at)}` : ''}.`,
            plan.proof, wayBack(plan),
            'All safety checks run once more right before.',
        ],
        done: (after) => ({
            done: `The fix is carried out: ${after.detail} Its proof follows on the timeline.`,
            running: 'The fix was begun; whether it is done is not known yet.',
        })[after.status] ?? `The fix is ${words(after.status)}: ${after.detail}`,
    });
}

function wayBack(plan) {
    if (!plan.inverse) return 'There is no way back: it can’t be undone.';
    // Whether it is undone by itself, and on whose word, its proof says.
    return `It can be undone (${words(plan.inverse)}).`;
}

function undo(detail, plan) {
    decide(detail, plan, {
        verb: 'rollback', title: `Undo: ${plan.label || plan.action}`, submit: `Undo it on ${plan.entity ?? 'the service'}`, danger: true,
        fields: [{ name: 'reason', label: 'Why', kind: 'area' }, ...(lacks(detail.app.me.capabilities, 'incident_override') ? [] : [OVERRIDE])],
        body: ({ reason, override }) => ({ ...(reason && { reason }), ...(override && { override }) }),
        effects: [`${plan.entity ?? 'The service'} is put back to what it ran before this fix${plan.inverse ? ` (${words(plan.inverse)})` : ''}.`],
        done: (after) => ({
            rolled_back: `The fix is undone: ${after.detail}`,
            rolling_back: 'The undoing was begun; whether it is done is not known yet.',
        })[after.status] ?? `The fix is not undone, it is ${words(after.status)}: ${after.detail}`,
    });
}

function decide(detail, plan, { verb, title, submit, danger, fields = [], effects, body, done }) {
    const change = new Change();
    ask({
        title, about: `${plan.plan_id} · ${plan.incident_id}`, fields, danger, submit,
        effects: () => effects.filter(Boolean),
        act: async (values) => {
            try {
                const answer = await change.send('POST', `plans/${encodeURIComponent(plan.plan_id)}/${verb}`, body(values));
                detail.app.say(done(answer.body));
            } finally {
                // Refused or not: what the rules say now is shown.
                detail.again();
            }
        },
    });
}
