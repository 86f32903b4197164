/**
 * The result of an analysis: its verdict, the ranked causes with the events that they cite, and the model's claims
 * with the result of their checks.
 */

import { actionButton } from './actionbar.js';
import { actionById, whyNot } from './actions.js';
import { h } from './dom.js';
import { moment } from './format.js';

const CHECKS = { verified: 'verified', rejected: 'rejected', unchecked: 'not checked', quoted: 'quote found' };
const SURENESS = ['quoted', 'unchecked', 'rejected'];
export const CONFIDENCE = { high: 'high confidence', medium: 'medium confidence', low: 'low confidence' };

/**
 * @param {import('./detail.js').Detail} detail
 * @param {Object<string, any>|null} analysis as `GET /incidents/{id}/analysis` has it
 * @returns {Node[]}
 */
export function analysisPart(detail, analysis) {
    const action = actionById('analyze');
    const step = detail.app.running(detail.id);
    const running = step !== undefined;
    const why = running ? 'An analysis is already running.' : whyNot(action, detail.seen.incident, detail.app.me.capabilities);
    const button = actionButton(detail, { ...action, label: analysis ? 'Run again' : 'Run analysis' }, why);
    const bar = h('div', { class: 'wb-row wb-part-actions' }, detail.app.mayWrite && button,
        running && h('span', { class: 'wb-dim wb-step', role: 'status' }, stepText(step)),
        !running && analysis && h('span', { class: 'wb-dim' }, `Run ${moment(analysis.time)} by ${analysis.actor ?? 'the app'}.`));
    if (!analysis) return [bar, h('p', { class: 'wb-dim' }, 'Not analyzed yet. An analysis searches the logs that you can read for changes, new errors, the first failure and failing dependencies, and cites what it finds.')];
    return [
        bar,
        h('p', { class: 'wb-verdict' }, analysis.verdict),
        h('h2', {}, 'Causes, most likely first'),
        analysis.hypotheses?.length
            ? h('ol', { class: 'wb-causes' }, analysis.hypotheses.map(cause))
            : h('p', { class: 'wb-dim' }, 'None.'),
        model(analysis),
        lookedFor(analysis),
    ];
}

/**
 * The text shown while an analysis runs.
 * @param {string} step its current step from the API; empty if unknown
 */
export function stepText(step) {
    return `The analysis is running${step ? `: ${step}` : ''} … To cancel it, end its search under Activity › Jobs.`;
}

function cause(hypothesis) {
    return h('li', { class: hypothesis.blamed ? 'wb-cause wb-blamed' : 'wb-cause' },
        h('div', { class: 'wb-entry-title' }, hypothesis.cause),
        h('div', { class: 'wb-dim' }, [
            hypothesis.blamed && 'identified as the cause', CONFIDENCE[hypothesis.confidence],
            hypothesis.score !== undefined && `score ${Number(hypothesis.score).toFixed(2)}`,
            hypothesis.source === 'model' && 'proposed by the model',
        ].filter(Boolean).join(' · ')),
        hypothesis.advice && h('p', {}, hypothesis.advice),
        reasons('For', hypothesis.for), reasons('Against', hypothesis.against),
        (hypothesis.citations ?? []).map(citation));
}

/** What was searched for, found and not found. Without a cause, this is all there is. */
function lookedFor(analysis) {
    const findings = analysis.evidence ?? [];
    if (!findings.length) return null;
    return [
        h('h2', {}, 'What was searched'),
        h('dl', { class: 'wb-looked' }, findings.map((one) => [
            h('dt', { class: 'wb-dim' }, one.looked_for ?? one.finder),
            [...(one.found ?? []), ...(one.not_found ?? [])].map((said) => h('dd', {}, said)),
        ])),
    ];
}

function reasons(label, list) {
    if (!list?.length) return null;
    return h('div', { class: 'wb-reasons' }, h('span', { class: 'wb-dim' }, label), h('ul', {}, list.map((one) => h('li', {}, one))));
}

function citation(cited) {
    const status = cited.status ?? 'unchecked';
    return h('figure', { class: `wb-citation wb-check-${status}` },
        h('blockquote', {}, cited.quote || cited.spl || ''),
        h('figcaption', { class: 'wb-dim' }, [
            `${cited.id} ${cited.kind ?? ''}`, cited.index && `index ${cited.index}`, cited.sourcetype,
            cited.entity, moment(Number(cited.time)), CHECKS[status] ?? status, cited.reason,
        ].filter(Boolean).join(' · ')));
}

function model(analysis) {
    const said = analysis.model ?? {};
    const claims = analysis.claims ?? [];
    return [
        h('h2', {}, 'The model'),
        h('p', { class: 'wb-dim' }, said.detail || 'No model was asked.'),
        said.summary && h('p', {}, h('span', { class: 'wb-dim' }, 'Model’s summary, not verified: '), said.summary),
        claims.length > 0 && h('ul', { class: 'wb-claims' }, [...claims].sort(bySureness).map(claimed)),
    ];
}

/** Sort claims: quotes that were found, then unchecked, then rejected ones. */
function bySureness(one, other) {
    return SURENESS.indexOf(one.status) - SURENESS.indexOf(other.status);
}

/** A claim with the words that it quotes, so that readers can compare them. */
function claimed(claim) {
    const rejected = claim.status === 'rejected';
    return h('li', { class: `wb-check-${claim.status}` },
        h(rejected ? 's' : 'span', {}, claim.text ?? ''),
        !rejected && claim.quote && h('blockquote', { class: 'wb-quoted' }, claim.quote),
        h('div', { class: 'wb-dim' }, [CHECKS[claim.status] ?? String(claim.status ?? '').replaceAll('_', ' '), claim.citation_id, claim.reason].filter(Boolean).join(' · ')));
}
