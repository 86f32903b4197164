/**
 * Changes through the API, so that people can't overwrite each other's work and a retry has no second effect.
 */

import { ApiError, get, newKey, send } from './api.js';
import { isDecision } from './entries.js';

const READ_AT_ONCE = 200;
// The most entries that the API gives at once.
const MOST_ENTRIES = 5000;
const TRIES = 4;

/**
 * The version of an incident that the user has seen.
 * @typedef {{incident: Object<string, any>, etag: string, entries: import('./entries.js').Entry[], earlier: number, verified: boolean, problems: string[]}} Seen
 */

/** Others have decided something since the incident was read; `news` has their entries. */
export class Conflict extends Error {
    /**
     * @param {Seen} seen the incident as it is now
     * @param {import('./entries.js').Entry[]} news
     */
    constructor(seen, news) {
        super(`${seen.incident.id} has changed since you opened it. Your change was not made.`);
        this.seen = seen;
        this.news = news;
    }
}

/**
 * Read an incident and the newest part of its timeline, newest first.
 * @param {string} id
 * @param {number} [from] offset of the first entry that was shown before, so that as many are shown again
 * @param {Seen} [known] the version that is shown; returned if it is still the newest
 * @returns {Promise<Seen>} `earlier`: how many older entries were not read
 */
export async function readIncident(id, from = Infinity, known = undefined) {
    const path = `incidents/${encodeURIComponent(id)}`;
    const { body: incident, etag } = await get(path);
    if (etag && etag === known?.etag) return known;
    const newest = (most) => Math.max(0, (incident.entries ?? 0) - most);
    const offset = Math.max(newest(MOST_ENTRIES), Math.min(newest(READ_AT_ONCE), from));
    const { body } = await get(`${path}/timeline`, { offset, limit: MOST_ENTRIES });
    const entries = body.entries.filter((entry) => entry.counts !== false).reverse();
    return { incident, etag, entries, earlier: offset, verified: body.verified, problems: body.problems };
}

/**
 * One change that a user asked for. A retry after no answer has the same Idempotency-Key.
 */
export class Change {
    #key = newKey();
    #sent = '';

    /**
     * @param {Seen} [seen] the version that it applies to; none if the API takes no If-Match
     * @param {string} [me] the user: their own earlier changes are no conflict
     */
    constructor(seen, me = '') {
        this.seen = seen;
        this.me = me;
    }

    /**
     * Send it. New entries that decide nothing (signals, messages) are no conflict.
     * @param {string} method
     * @param {string} path
     * @param {object|function(object|undefined): object} given the body, or a function that makes it from the incident
     * @returns {Promise<import('./api.js').Answer>}
     * @throws {Conflict} others decided something meanwhile
     * @throws {ApiError}
     */
    async send(method, path, given) {
        for (let attempt = 1; ; attempt += 1) {
            const body = typeof given === 'function' ? given(this.seen?.incident) : given;
            this.#renewFor(JSON.stringify([method, path, body]));
            try {
                return await send(method, path, body, { etag: this.seen?.etag, key: this.#key });
            } catch (error) {
                const known = error instanceof ApiError;
                // Without an answer it may have been done, so the key stays the same for a retry.
                if (!known || error.kind !== 'away') this.#key = newKey();
                if (!known || error.kind !== 'outdated' || !this.seen) throw error;
                await this.#catchUp(attempt);
            }
        }
    }

    #renewFor(sent) {
        if (this.#sent && this.#sent !== sent) this.#key = newKey();
        this.#sent = sent;
    }

    async #catchUp(attempt) {
        const known = new Set(this.seen.entries.map((entry) => entry._key));
        const fresh = await readIncident(this.seen.incident.id, this.seen.earlier);
        const news = fresh.entries.filter((entry) => !known.has(entry._key) && isDecision(entry) && entry.actor !== this.me);
        this.seen = fresh;
        if (news.length || attempt >= TRIES) throw new Conflict(fresh, news);
    }
}
