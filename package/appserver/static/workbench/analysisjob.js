/**
 * Waiting for a search that was begun.
 */

import { ApiError, get, splunkd } from './api.js';

const LOOK_MS = 3000;
// Fifteen minutes in which somebody could look: of a machine that sleeps they are not counted.
const LOOKS = 300;

/**
 * Wait until the search of an analysis has ended.
 * @param {string} id the incident's
 * @param {string} sid
 * @param {(step: string) => void} told hears what the analysis is at
 * @returns {Promise<string>} why it failed, empty when it did not
 */
export async function watchAnalysis(id, sid, told) {
    for (let look = 0; look < LOOKS; look += 1) {
        await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
        try {
            const job = await splunkd(`search/jobs/${encodeURIComponent(sid)}`);
            if (isOn(job.isFailed)) return jobError(job) || 'the search failed.';
            if (isOn(job.isDone)) return '';
            told(await stepOf(id, sid));
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            // splunkd deletes a search some minutes after its end.
            const made = error.kind === 'missing' ? await analysisExists(id, sid) : null;
            if (made !== null) return made ? '' : 'its search is gone.';
        }
    }
    return 'it has not ended after 15 minutes.';
}

/** Whether there is an analysis of that search; null when that can't be read now. */
async function analysisExists(id, sid) {
    try {
        return (await get(`incidents/${id}/analysis`)).body.sid === sid;
    } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return error.kind === 'missing' ? false : null;
    }
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

function jobError(job) {
    const message = (job.messages ?? []).find((one) => ['ERROR', 'FATAL'].includes(one.type));
    return message?.text ?? '';
}
