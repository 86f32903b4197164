/**
 * The app's REST API and splunkd, through Splunk Web and with the user's own rights. See docs/API.md.
 */

const RAW = new URL('../../splunkd/__raw/services/', location.href).pathname;
const APP = 'incident_management/v1';
const PATIENCE_MS = 60_000;

/**
 * What went wrong with a request.
 *
 * `kind`: `session` (log in again), `forbidden`, `missing`, `outdated` (412), `refused` (the state
 * does not allow it, or a value is wrong), `away` (nothing answers now; trying again is safe).
 */
export class ApiError extends Error {
    /**
     * @param {string} kind
     * @param {string} text one sentence
     * @param {number} status of HTTP, 0 without an answer
     * @param {number} retryAfter seconds to wait, 0 when nobody said
     * @param {Object<string, string>} fields custom fields that it is about, with a sentence for each
     */
    constructor(kind, text, status = 0, retryAfter = 0, fields = {}) {
        super(text);
        this.kind = kind;
        this.status = status;
        this.retryAfter = retryAfter;
        this.fields = fields;
    }
}

/**
 * Whether something was not done for want of an answer, or of a session: what else is to be done would fare alike.
 * @param {unknown} error
 */
export function isWithoutAnswer(error) {
    return error instanceof ApiError && ['away', 'session'].includes(error.kind);
}

/**
 * An answer.
 * @typedef {{body: any, status: number, etag: string}} Answer
 */

/**
 * Where something of the app is read, for a link.
 * @param {string} path after `/v1/`
 * @returns {string}
 */
export function linkTo(path) {
    return `${RAW}${APP}/${path}`;
}

/**
 * Read something of the app.
 * @param {string} path after `/v1/`
 * @param {Object<string, string|number>} [query] what is empty is left out
 * @returns {Promise<Answer>}
 */
export function get(path, query = {}) {
    return request('GET', `${APP}/${path}${questionMark(query)}`);
}

/**
 * A read whose answers count in the order in which they were asked for.
 * @template T
 * @param {function(...any): Promise<T>} read
 * @returns {function(...any): Promise<T|null>} null, also instead of a failure, where it was asked for again meanwhile
 */
export function newest(read) {
    let last = 0;
    return async (...asked) => {
        const turn = (last += 1);
        try {
            const found = await read(...asked);
            return turn === last ? found : null;
        } catch (error) {
            if (turn === last) throw error;
            return null;
        }
    };
}

/**
 * Change something.
 * @param {string} method POST, PUT or DELETE
 * @param {string} path after `/v1/`
 * @param {object} [body]
 * @param {{etag?: string, key?: string}} [options] the version that was seen; the Idempotency-Key
 * @returns {Promise<Answer>}
 */
export function send(method, path, body = {}, { etag = '', key = '' } = {}) {
    const headers = { 'X-Splunk-Form-Key': formKey(), 'Content-Type': 'application/json' };
    if (etag) headers['If-Match'] = etag;
    if (method === 'POST') headers['Idempotency-Key'] = key || newKey();
    // In the body as well: Splunk Web may keep headers back on the way to splunkd.
    const said = { if_match: headers['If-Match'], idempotency_key: headers['Idempotency-Key'] };
    const text = method === 'DELETE' ? undefined : JSON.stringify({ ...body, ...said });
    return request(method, `${APP}/${path}`, headers, text);
}

/**
 * Read something of splunkd itself.
 * @param {string} path after `/services/`
 * @returns {Promise<any>} the first entry's content
 */
export async function splunkd(path) {
    const answer = await request('GET', `${path}?output_mode=json`);
    return answer.body?.entry?.[0]?.content ?? {};
}

/**
 * A new Idempotency-Key: one for each thing that a person asks for, the same when it is tried again.
 * @returns {string}
 */
export function newKey() {
    // randomUUID is there on https alone, and Splunk Web may be served without.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Where to log in again, and come back to this page.
 * @returns {string}
 */
export function loginAddress() {
    const address = new URL('../../account/login', location.href);
    address.searchParams.set('return_to', location.pathname + location.search);
    return address.pathname + address.search;
}

async function request(method, path, headers = {}, body = undefined) {
    let response;
    try {
        response = await fetch(RAW + path, {
            method,
            body,
            credentials: 'same-origin',
            redirect: 'manual', // some set-ups send a browser without a session to the login
            headers: { 'X-Requested-With': 'XMLHttpRequest', ...headers },
            signal: AbortSignal.timeout(PATIENCE_MS),
        });
    } catch {
        throw new ApiError('away', 'Splunk Web does not answer.');
    }
    const isJson = (response.headers.get('Content-Type') ?? '').includes('json');
    const parsed = isJson ? await response.json().catch(() => null) : null;
    if (response.ok && parsed !== null) {
        return { body: parsed, status: response.status, etag: response.headers.get('ETag') ?? '' };
    }
    if (response.ok && isJson) throw new ApiError('away', 'Splunk’s answer was cut off.', response.status);
    throw failure(response, parsed);
}

function failure(response, parsed) {
    const { status, type } = response;
    const said = parsed?.detail ?? parsed?.messages?.[0]?.text ?? '';
    if (status === 401 || type === 'opaqueredirect' || (response.ok && parsed === null)) {
        return new ApiError('session', 'Your session has ended.', status);
    }
    const wait = waiting(response);
    // It is at the first request with this Idempotency-Key still: no other answer says 409 and when to try again.
    if (status === 409 && wait) return new ApiError('away', said, status, wait);
    const [kind, otherwise] = {
        403: ['forbidden', 'Your roles do not allow this.'],
        404: ['missing', 'It is not there.'],
        410: ['missing', 'It was deleted.'],
        412: ['outdated', 'It has changed meanwhile.'],
    }[status] ?? (status >= 500 || status === 429
        ? ['away', 'Splunk can’t answer now.']
        : ['refused', `Splunk refused this (status ${status}).`]);
    return new ApiError(kind, said || otherwise, status, wait, parsed?.fields);
}

function waiting(response) {
    const seconds = Number(response.headers.get('Retry-After'));
    return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 600) : 0;
}

function questionMark(query) {
    const given = Object.entries(query).filter(([, value]) => value !== '' && value != null);
    return given.length ? `?${new URLSearchParams(given)}` : '';
}

// Read anew for each request: logging in again, in another tab, changes it.
function formKey() {
    const port = window.$C?.MRSPARKLE_PORT_NUMBER ?? location.port;
    const name = `splunkweb_csrf_token_${port}=`;
    const found = document.cookie.split('; ').find((part) => part.startsWith(name));
    return found ? decodeURIComponent(found.slice(name.length)) : '';
}
