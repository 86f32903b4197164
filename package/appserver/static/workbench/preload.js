/**
 * What the page asks first: who looks, the list that the address wants, and which custom fields there are. All are
 * on their way while the other modules still load, as the page begins with this one.
 */

import { listQuery, readAddress, shownAtFirst } from './address.js';
import { get, isWithoutAnswer, splunkd } from './api.js';

const AGAIN_SECONDS = 5;
const PATIENCE_MS = 10_000;
let who = ask();
let list = askList();
let fields = askFields();

/**
 * Who looks. splunkd may be starting, and somebody may log in again in another tab: both are waited for.
 * @param {function(Error): void} told hears each time why there is no answer yet
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
            list = null; // it has failed as well, or is of long ago
            fields = askFields();
        }
    }
}

/**
 * The first list.
 * @returns {Promise<{query: Object<string, string|number>, page: Object<string, any>}>|null} what was asked, and
 *     the answer; once: afterwards, and where it is of no use any more, null
 */
export function takePreloadedList() {
    const taken = list;
    list = null;
    return taken;
}

/**
 * Which custom fields there are: the page begins with them, so that none pushes the list down when it is there.
 * @returns {Promise<import('./fields.js').CustomField[]|null>} null where that can't be read now, or takes long
 */
export const preloadedFields = () => Promise.race([fields, new Promise((done) => { setTimeout(done, PATIENCE_MS, null); })]);

function askFields() {
    return get('fields').then(({ body }) => body.fields, () => null);
}

function ask() {
    // As the app compares user names, which have no case in Splunk.
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

/** What is wrong is said by whoever takes the answer. */
function ignoreRejection(promise) {
    promise.catch(() => undefined);
    return promise;
}
