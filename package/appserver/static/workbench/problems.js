/**
 * What does not work at present, said below the list to whoever may look at incidents.
 */

import { h } from './dom.js';
import { moment, now, span } from './format.js';

const WORKER_SILENT_SECONDS = 300;
const AT_ONCE = 3;

/** @param {object} info what `GET /system/info` answers; a sentence for each thing */
export function problemsOf(info) {
    const silent = info.worker_seen === null || now() - info.worker_seen > WORKER_SILENT_SECONDS;
    const since = info.worker_seen ? ` since ${moment(info.worker_seen)} (${span(now() - info.worker_seen)})` : ' yet';
    return [
        silent && `The worker has not run${since}: nobody is told, deadlines and proofs wait. An administrator finds its input, worker, under Inputs.`,
        ...info.configuration_problems.slice(0, 2),
        // The API says of the worker what is said above, for whoever reads it by a script.
        ...info.troubles.filter((trouble) => !trouble.startsWith('The worker has not run')),
    ].filter(Boolean);
}

/** The first of them, and the others on a press. */
export function shown(problems) {
    const rest = problems.slice(AT_ONCE);
    return [...paragraphs(problems.slice(0, AT_ONCE)), rest.length > 0 && h('details', {}, h('summary', {}, `${rest.length} more`), paragraphs(rest))];
}

function paragraphs(sentences) {
    return sentences.map((sentence) => h('p', {}, sentence));
}
