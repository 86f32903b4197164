/**
 * Fixes: the plans, their current safety checks, and the decisions on them.
 */

import { actionButton } from './actionbar.js';
import { actionById, lacks, whyNot } from './actions.js';
import { get } from './api.js';
import { Change } from './change.js';
import { fill, h } from './dom.js';
import { moment, plural } from './format.js';
import { ask, readFailure } from './forms.js';

const WAITING = ['proposed', 'approved'];
const REVERSIBLE = ['done', 'recovered', 'insufficient_data', 'not_recovered', 'did_not_help', 'rollback_failed'];
// Plans in these states are read one by one: with their proof and, if they wait, their safety checks.
const READ = [...WAITING, 'done'];
// Executors with a dry run, and what it does.
const DRY_RUN = 'Kubernetes validates the request and stores nothing.';
const TRIED = {
    awx: 'AWX runs the playbook in check mode. Tasks with check_mode: false are executed anyway.',
    kubernetes: DRY_RUN,
    kubernetes_restart: DRY_RUN,
    kubernetes_scale: DRY_RUN,
    lambda: 'The app checks in AWS Lambda that the alias, its tag and the former version are as expected. Nothing is changed.',
    launchdarkly: 'LaunchDarkly validates the request and stores nothing.',
};
// Tags: waiting for people, recovered, and failed; other states are neutral.
const TONES = [[WAITING, 'now'], [['recovered'], 'good'], [['failed', 'did_not_help', 'not_recovered', 'rollback_failed', 'insufficient_data'], 'bad']];
// Each check asks the plan's target service, so only these many are checked.
const MAX_CHECKED = 3;
const OVERRIDE = { name: 'override', label: 'Reason to override the change freeze', kind: 'area', help: 'Recorded on the timeline with your name.' };

/**
 * Read an incident's fixes; the current ones with their safety checks and proof.
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
    const action = actionById('propose');
    const button = actionButton(detail, action, whyNot(action, detail.seen.incident, detail.app.me.capabilities));
    const none = h('p', { class: 'wb-dim' }, 'No fix is proposed. A fix needs an analysis that identifies and cites a change as the cause, and it is executed only after approval.');
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
        plan.next && h('p', {}, fact('Next: '), plan.next, plan.status === 'approved' && ` The approval is valid until ${moment(plan.expires_at)}.`),
        h('dl', { class: 'wb-facts' }, given),
        plan.blast_radius && h('p', {}, fact('Blast radius: '), plan.blast_radius),
        plan.freeze && h('p', { class: 'wb-not-ok' }, plan.freeze),
        plan.proof && h('p', {}, fact('Proof: '), plan.proof),
        plan.cause && h('p', {}, fact('Cause: '), plan.cause),
        plan.checks?.length > 0 && safety(plan),
        WAITING.includes(plan.status) && preview(plan),
        h('div', { class: 'wb-row' }, decisions(detail, plan)));
}

/** A preview of the request, read when it is unfolded. */
function preview(plan) {
    const shown = h('div', {});
    const part = h('details', { class: 'wb-samples' }, h('summary', {}, 'Preview request'), shown);
    part.addEventListener('toggle', async () => {
        if (!part.open) return;
        fill(shown, h('p', { class: 'wb-dim' }, 'Loading …'));
        try {
            const { body } = await get(`plans/${encodeURIComponent(plan.plan_id)}/preview`);
            fill(shown, [request('Fix', body.request), body.inverse ? request('Rollback', body.inverse_request) : h('p', {}, 'This fix can’t be rolled back.')]);
        } catch (error) {
            fill(shown, readFailure(error, 'Fold and unfold this section to try again.'));
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

/** The safety checks: failed ones are visible, passed ones are folded away. */
function safety(plan) {
    // A missing approval of a proposed plan is no failure: it is the next step.
    const waits = (check) => check.name === 'approval' && plan.status === 'proposed';
    const told = plan.checks.filter((check) => check.ok || !(check.name === 'freeze' || waits(check)));
    const list = (some, label) => h('ul', { class: 'wb-checks', 'aria-label': label }, some.map(rule));
    const [good, other] = [told.filter((check) => check.ok), told.filter((check) => !check.ok)];
    return [
        other.length > 0 && list(other, 'Failed safety checks'),
        good.length > 0 && h('details', { class: 'wb-unfold' },
            h('summary', { 'data-place': `checks-${plan.plan_id}` }, `${plural(good.length, 'safety check')} passed`), list(good, 'Passed safety checks')),
    ];
}

/** One safety check. */
function rule(check) {
    const [kind, mark, said] = check.ok ? ['wb-ok', '✓', 'passed: '] : ['wb-not-ok', '✗', 'failed: '];
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
        const own = plan.approve_own === false && plan.proposed_by === detail.app.me.name ? 'You proposed this fix, so another person must approve it.' : '';
        offered.push(
            button(detail, 'approve', plan.freeze ? 'Approve despite freeze …' : 'Approve', why || own || frozen || (plan.status === 'approved' && !plan.freeze ? 'This fix is already approved.' : ''), () => approve(detail, plan), 'wb-primary'),
            button(detail, 'reject', 'Reject', why, () => reject(detail, plan)),
            TRIED[plan.executor] && button(detail, 'check', 'Dry run …', lacks(capabilities, 'incident_remediate'), () => check(detail, plan)),
            button(detail, 'execute', 'Execute …', lacks(capabilities, 'incident_remediate') || (plan.status === 'approved' ? '' : 'This fix must be approved first.') || blocking?.detail || '', () => execute(detail, plan, limit?.detail), 'wb-danger'));
    }
    if (REVERSIBLE.includes(plan.status) && plan.inverse) {
        offered.push(button(detail, 'rollback', 'Roll back …', lacks(capabilities, 'incident_remediate'), () => rollBack(detail, plan), 'wb-danger'));
    }
    return offered;
}

function button(detail, id, label, why, act, extra = '') {
    return h('button', {
        type: 'button', class: `wb-button ${why ? '' : extra}`, 'data-place': `plan-${id}`, 'data-move': id,
        'aria-disabled': why ? 'true' : null, title: why || null, on: { click: () => (why ? detail.app.showToast(why) : act()) },
    }, label);
}

function approve(detail, plan) {
    const votes = Number(plan.approvals) > 1 ? `${plan.approvals} people must approve; ${(plan.approved_by ?? []).length} have so far.` : '';
    decide(detail, plan, {
        verb: 'approve', title: 'Approve this fix', submit: plan.freeze ? 'Override the freeze and approve' : 'Approve', danger: Boolean(plan.freeze),
        fields: plan.freeze ? [{ ...OVERRIDE, required: true }] : [],
        body: ({ override }) => (override ? { plan_hash: plan.plan_hash, override } : { plan_hash: plan.plan_hash }),
        effects: [plan.freeze, plan.summary, plan.blast_radius, plan.proof, wayBack(plan), votes, 'Your approval is valid for exactly this plan and the state it was made for. It does not execute the fix.'],
        done: (after) => (after.status === 'approved' ? 'Fix approved. It is not executed automatically.' : `Approval recorded. ${after.next}`),
    });
}

function reject(detail, plan) {
    decide(detail, plan, {
        verb: 'reject', title: 'Reject this fix', submit: 'Reject', fields: [{ name: 'reason', label: 'Reason', kind: 'area' }],
        body: ({ reason }) => (reason ? { reason } : {}), effects: ['The fix is not executed and can no longer be approved.'], done: () => 'Fix rejected.',
    });
}

function check(detail, plan) {
    decide(detail, plan, {
        verb: 'check', title: `Dry run: ${plan.label || plan.action}`, submit: 'Dry run', body: () => ({}),
        effects: [plan.summary, TRIED[plan.executor], 'The result is recorded on the timeline.'], done: (after) => after.detail,
    });
}

/** `limit`: why the hourly_limit forbids it, which a reason overrides; undefined if it does not. */
function execute(detail, plan, limit) {
    const by = (plan.approved_by ?? []).join(', ');
    decide(detail, plan, {
        verb: 'execute', title: `Execute: ${plan.label || plan.action}`, submit: `Execute on ${plan.entity ?? 'the service'}`, danger: true,
        fields: limit ? [{ ...OVERRIDE, label: 'Reason to exceed the hourly limit', required: true }] : [],
        body: ({ override }) => (override ? { override } : {}),
        effects: [
            limit, plan.summary, plan.blast_radius, `Approved by ${by || 'nobody'}${plan.expires_at ? `, valid until ${moment(plan.expires_at)}` : ''}.`,
            plan.proof, wayBack(plan),
            'All safety checks run again immediately before.',
        ],
        done: (after) => ({
            done: `Fix executed: ${after.detail} The recovery check follows on the timeline.`,
            running: 'Fix started. Its result is not known yet.',
        })[after.status] ?? `Fix ${words(after.status)}: ${after.detail}`,
    });
}

function wayBack(plan) {
    if (!plan.inverse) return 'This fix can’t be rolled back.';
    // The proof says whether it is rolled back automatically.
    return `This fix can be rolled back (${words(plan.inverse)}).`;
}

function rollBack(detail, plan) {
    decide(detail, plan, {
        verb: 'rollback', title: `Roll back: ${plan.label || plan.action}`, submit: `Roll back on ${plan.entity ?? 'the service'}`, danger: true,
        fields: [{ name: 'reason', label: 'Reason', kind: 'area' }, ...(lacks(detail.app.me.capabilities, 'incident_override') ? [] : [OVERRIDE])],
        body: ({ reason, override }) => ({ ...(reason && { reason }), ...(override && { override }) }),
        effects: [`${plan.entity ?? 'The service'} returns to the state before this fix${plan.inverse ? ` (${words(plan.inverse)})` : ''}.`],
        done: (after) => ({
            rolled_back: `Fix rolled back: ${after.detail}`,
            rolling_back: 'Rollback started. Its result is not known yet.',
        })[after.status] ?? `The fix was not rolled back. It is ${words(after.status)}: ${after.detail}`,
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
                detail.app.showToast(done(answer.body));
            } finally {
                // Show the current safety checks, also after a refusal.
                detail.reloadPart();
            }
        },
    });
}
