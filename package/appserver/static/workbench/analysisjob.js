/**
 * Waits for the search job of an analysis.
 */

import { ApiError, get, splunkd } from './api.js';

const LOOK_MS = 3000;
// 15 minutes of polling; time in which the computer sleeps does not count.
const LOOKS = 300;

/**
 * Wait until the search job of an analysis has ended.
 * @param {string} id the incident's
 * @param {string} sid
 * @param {(step: string) => void} told called with the analysis's current step
 * @returns {Promise<string>} why it failed; empty if it succeeded
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
            // splunkd deletes a job some minutes after its end.
            const made = error.kind === 'missing' ? await analysisExists(id, sid) : null;
            if (made !== null) return made ? '' : 'its search job no longer exists.';
        }
    }
    return 'it did not finish within 15 minutes.';
}

/** Whether the analysis of that search is stored; null if that can't be read now. */
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
        if (error instanceof ApiError) return ''; // it has not started, or nothing answers now
        throw error;
    }
}

const isOn = (value) => value === true || value === '1' || value === 1;

function jobError(job) {
    const message = (job.messages ?? []).find((one) => ['ERROR', 'FATAL'].includes(one.type));
    return message?.text ?? '';
}
