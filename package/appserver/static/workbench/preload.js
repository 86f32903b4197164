/**
 * The page's first requests: the current user, the list for the address, and the custom fields. This module loads
 * first, so they are sent while the other modules load.
 */

import { listQuery, readAddress, shownAtFirst } from './address.js';
import { get, isWithoutAnswer, splunkd } from './api.js';

const AGAIN_SECONDS = 5;
const PATIENCE_MS = 10_000;
let who = ask();
let list = askList();
let fields = askFields();

/**
 * Return the current user. Retries while splunkd is starting, or until the user has logged in in another tab.
 * @param {function(Error): void} told called after each failed attempt
 * @returns {Promise<{username: string, roles: string[], capabilities: string[], tz: string}>}
 */
export async function currentUser(told) {
    for (;;) {
        try {
            return await who;
        } catch (error) {
            if (!isWithoutAnswer(error)) throw error;
            told(error);
            await new Promise((resolve) => { setTimeout(resolve, Math.max(AGAIN_SECONDS, error.retryAfter) * 1000); });
            if (document.hidden) await new Promise((resolve) => { document.addEventListener('visibilitychange', resolve, { once: true }); });
            who = ask();
            list = null; // it has failed, too, or is outdated
            fields = askFields();
        }
    }
}

/**
 * Take the preloaded list; it can be taken once.
 * @returns {Promise<{query: Object<string, string|number>, page: Object<string, any>}>|null} query and answer; null if
 *     it was already taken or is outdated
 */
export function takePreloadedList() {
    const taken = list;
    list = null;
    return taken;
}

/**
 * Return the definitions of the custom fields. The page waits for them, as filters added later would move the list.
 * @returns {Promise<import('./fields.js').CustomField[]|null>} null if they can't be read, or not within 10 seconds
 */
export const preloadedFields = () => Promise.race([fields, new Promise((done) => { setTimeout(done, PATIENCE_MS, null); })]);

function askFields() {
    return get('fields').then(({ body }) => body.fields, () => null);
}

function ask() {
    // In lower case, as user names have no case in Splunk and the app compares them so.
    const named = (context) => ({ ...context, username: context.username?.toLowerCase() });
    return ignoreRejection(splunkd('authentication/current-context').then(named));
}

function askList() {
    const { filters, rows } = readAddress();
    const read = async (me) => {
        const query = { ...listQuery(filters, me), limit: shownAtFirst(rows) };
        return { query, page: (await get('incidents', query)).body };
    };
    return ignoreRejection(filters.owner === 'me' ? who.then(({ username }) => read(username)) : read(''));
}

/** Prevent an unhandled rejection; whoever takes the answer shows the error. */
function ignoreRejection(promise) {
    promise.catch(() => undefined);
    return promise;
}
