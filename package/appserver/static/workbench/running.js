/**
 * Waiting for a search that was begun.
 */

import { ApiError, get, splunkd } from './api.js';

const LOOK_MS = 3000;
const PATIENCE_MS = 15 * 60_000;

/**
 * Wait until the search of an analysis has ended.
 * @param {string} id the incident's
 * @param {string} sid
 * @param {(step: string) => void} told hears what the analysis is at
 * @returns {Promise<string>} why it failed, empty when it did not
 */
export async function watchAnalysis(id, sid, told) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
        await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
        try {
            const job = await splunkd(`search/jobs/${encodeURIComponent(sid)}`);
            if (isOn(job.isFailed)) return said(job) || 'the search failed.';
            if (isOn(job.isDone)) return '';
            told(await stepOf(id, sid));
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            if (error.kind === 'missing') return 'its search is gone.';
        }
    }
    return 'it has not ended after 15 minutes.';
}

async function stepOf(id, sid) {
    try {
        return (await get(`incidents/${id}/analyze`, { sid })).body.step ?? '';
    } catch (error) {
        if (error instanceof ApiError) return ''; // it has not begun, or nothing answers now
        throw error;
    }
}

const isOn = (value) => value === true || value === '1' || value === 1;

function said(job) {
    const message = (job.messages ?? []).find((one) => ['ERROR', 'FATAL'].includes(one.type));
    return message?.text ?? '';
}
