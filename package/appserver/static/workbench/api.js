/**
 * The app's REST API and splunkd, through Splunk Web and with the user's own rights. See docs/API.md.
 */

const RAW = new URL('../../splunkd/__raw/services/', location.href).pathname;
const APP = 'incident_management/v1';
const PATIENCE_MS = 60_000;

/**
 * A failed request.
 *
 * `kind`: `session` (log in again), `forbidden`, `missing`, `outdated` (412), `refused` (the state
 * forbids it, or a value is wrong), `away` (nothing answers now; a retry is safe).
 */
export class ApiError extends Error {
    /**
     * @param {string} kind
     * @param {string} text one sentence
     * @param {number} status of HTTP, 0 without an answer
     * @param {number} retryAfter seconds to wait, 0 if unknown
     * @param {Object<string, string>} fields the custom fields in error, with a sentence for each
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
 * Whether a request failed for lack of an answer or a session, so that further requests would fail, too.
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
 * Return the address of an API path, for a link.
 * @param {string} path after `/v1/`
 * @returns {string}
 */
export function linkTo(path) {
    return `${RAW}${APP}/${path}`;
}

/**
 * Send a GET request to the app's API.
 * @param {string} path after `/v1/`
 * @param {Object<string, string|number>} [query] empty values are left out
 * @returns {Promise<Answer>}
 */
export function get(path, query = {}) {
    return request('GET', `${APP}/${path}${questionMark(query)}`);
}

/**
 * Wrap a read so that only the answer to the latest call counts.
 * @template T
 * @param {function(...any): Promise<T>} read
 * @returns {function(...any): Promise<T|null>} null, also instead of an error, if it was called again meanwhile
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
 * Send a change to the app's API.
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
    // In the body as well: Splunk Web may drop headers on the way to splunkd.
    const said = { if_match: headers['If-Match'], idempotency_key: headers['Idempotency-Key'] };
    const text = method === 'DELETE' ? undefined : JSON.stringify({ ...body, ...said });
    return request(method, `${APP}/${path}`, headers, text);
}

/**
 * Send a GET request to splunkd itself.
 * @param {string} path after `/services/`
 * @returns {Promise<any>} the first entry's content
 */
export async function splunkd(path) {
    const answer = await request('GET', `${path}?output_mode=json`);
    return answer.body?.entry?.[0]?.content ?? {};
}

/**
 * Return a new Idempotency-Key: one for each change that a user asks for, reused for its retries.
 * @returns {string}
 */
export function newKey() {
    // randomUUID exists on HTTPS only, and Splunk Web may be served without it.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Return the address of the login page that returns to this page.
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
            redirect: 'manual', // some set-ups redirect a browser without a session to the login
            headers: { 'X-Requested-With': 'XMLHttpRequest', ...headers },
            signal: AbortSignal.timeout(PATIENCE_MS),
        });
    } catch {
        throw new ApiError('away', 'Splunk Web does not respond.');
    }
    const isJson = (response.headers.get('Content-Type') ?? '').includes('json');
    const parsed = isJson ? await response.json().catch(() => null) : null;
    if (response.ok && parsed !== null) {
        return { body: parsed, status: response.status, etag: response.headers.get('ETag') ?? '' };
    }
    if (response.ok && isJson) throw new ApiError('away', 'Splunk’s response was cut off.', response.status);
    throw failure(response, parsed);
}

function failure(response, parsed) {
    const { status, type } = response;
    const said = parsed?.detail ?? parsed?.messages?.[0]?.text ?? '';
    if (status === 401 || type === 'opaqueredirect' || (response.ok && parsed === null)) {
        return new ApiError('session', 'Your session has ended.', status);
    }
    const wait = waiting(response);
    // The first request with this Idempotency-Key is still running: only then does a 409 have Retry-After.
    if (status === 409 && wait) return new ApiError('away', said, status, wait);
    const [kind, otherwise] = {
        403: ['forbidden', 'Your roles don’t allow this.'],
        404: ['missing', 'This object was not found.'],
        410: ['missing', 'This object was deleted.'],
        412: ['outdated', 'This object has changed meanwhile.'],
    }[status] ?? (status >= 500 || status === 429
        ? ['away', 'Splunk is unavailable right now.']
        : ['refused', `Splunk refused the request (status ${status}).`]);
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

// Read for each request, as logging in again in another tab changes it.
function formKey() {
    const port = window.$C?.MRSPARKLE_PORT_NUMBER ?? location.port;
    const name = `splunkweb_csrf_token_${port}=`;
    const found = document.cookie.split('; ').find((part) => part.startsWith(name));
    return found ? decodeURIComponent(found.slice(name.length)) : '';
}
