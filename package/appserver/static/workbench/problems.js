/**
 * Current problems of the app, shown below the list.
 */

import { h } from './dom.js';
import { moment, now, span } from './format.js';

const WORKER_SILENT_SECONDS = 300;
const AT_ONCE = 3;

/** @param {object} info the answer of `GET /system/info`. @returns {string[]} a sentence for each problem */
export function problemsOf(info) {
    const silent = info.worker_seen === null || now() - info.worker_seen > WORKER_SILENT_SECONDS;
    const since = info.worker_seen ? ` since ${moment(info.worker_seen)} (${span(now() - info.worker_seen)})` : ' yet';
    return [
        silent && `The worker has not run${since}. No messages are sent, and deadlines and recovery checks wait. An administrator can enable its input “worker” under Inputs.`,
        ...info.configuration_problems.slice(0, 2),
        // The API's own sentence about the worker is left out, as the one above replaces it.
        ...info.troubles.filter((trouble) => !trouble.startsWith('The worker has not run')),
    ].filter(Boolean);
}

/** The first problems; the others are folded away. */
export function shown(problems) {
    const rest = problems.slice(AT_ONCE);
    return [...paragraphs(problems.slice(0, AT_ONCE)), rest.length > 0 && h('details', {}, h('summary', {}, `${rest.length} more`), paragraphs(rest))];
}

function paragraphs(sentences) {
    return sentences.map((sentence) => h('p', {}, sentence));
}
