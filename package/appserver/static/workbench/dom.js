/**
 * Making elements. Nothing here takes markup: what comes from an incident is always text.
 */

// Control characters, and those that turn the direction of the text around them.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const PRESS_MS = 10_000;
// The click of a finger that was lifted comes within this.
const CLICK_MS = 50;

/**
 * Text as it may be shown: what could hide or reorder other text is made visible.
 * @param {unknown} value
 * @returns {string}
 */
export function plain(value) {
    return String(value ?? '').replace(UNSEEN, '\ufffd');
}

/**
 * Make an element.
 * @param {string} tag
 * @param {Object<string, any>} [properties] attributes; `on` holds listeners by event name, a value
 *     of false, null or undefined leaves an attribute out, true sets it without a value
 * @param {...(Node|string|number|null|undefined|Array)} children texts and nodes
 * @returns {HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name === 'on') {
            for (const [event, listener] of Object.entries(value)) {
                element.addEventListener(event, listener);
            }
        } else if (name === 'value') {
            element.value = value;
        } else if (value !== false && value !== null && value !== undefined) {
            if (name === 'href' && !isSafe(value)) continue;
            element.setAttribute(name, value === true ? '' : String(value));
        }
    }
    append(element, children);
    return element;
}

/**
 * Replace what an element holds.
 * @param {Element} element
 * @param {...any} children as for {@link h}
 */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
}

/**
 * Whether an address may stand behind a link: of this server, or http(s) to another one.
 * @param {string} address
 * @returns {boolean}
 */
function isSafe(address) {
    try {
        return ['http:', 'https:'].includes(new URL(address, location.href).protocol);
    } catch {
        return false;
    }
}

/**
 * A link if the address is a whole http(s) one, else its text alone.
 * @param {string} address
 * @returns {HTMLElement}
 */
export function externalLink(address) {
    if (!/^https?:\/\//i.test(address) || !isSafe(address)) return h('span', {}, address);
    return h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address);
}

/**
 * The link of a runbook. The shipped detections name a page of this app, others a whole address; anything else is text.
 * @param {string} address
 */
export function runbookLink(address) {
    const own = /^\/(?:static\/)?app\/[\w-]+\/[\w./-]+(?:#[\w-]+)?$/.test(address);
    if (!own) return externalLink(address);
    const base = new URL('../../', location.href).pathname.replace(/\/$/, '');
    return h('a', { href: base + address, target: '_blank', rel: 'noopener' }, address.split(/[/#]/).pop().replaceAll('-', ' '));
}

/**
 * Change what an element holds; focus, scrolling and what is unfolded stay as they were.
 * @param {HTMLElement} element what of it has a `data-place` is found again
 * @param {function(): void} change
 */
export function keepingPlace(element, change) {
    const { scrollTop } = element;
    const place = element.contains(document.activeElement) ? document.activeElement.dataset?.place : '';
    const unfolded = [...element.querySelectorAll('details[open] > summary')].map((summary) => summary.dataset.place);
    change();
    const placed = (name) => element.querySelector(`[data-place="${CSS.escape(name)}"]`);
    for (const name of unfolded) placed(name)?.parentElement.setAttribute('open', '');
    element.scrollTop = scrollTop;
    if (place) placed(place)?.focus({ preventScroll: true });
}

/**
 * Tells whether something is pressed in an element: a click is lost when what it began on is drawn anew.
 * @param {HTMLElement} element
 * @param {function(): void} released is called once it is not pressed any more, after the click
 * @returns {function(): boolean} false again after some seconds, as the end of a press may be missed
 */
export function watchPress(element, released) {
    let since = null;
    element.addEventListener('pointerdown', () => { since = performance.now(); });
    for (const end of ['pointerup', 'pointercancel']) {
        document.addEventListener(end, () => {
            if (since !== null) setTimeout(released, CLICK_MS);
            since = null;
        }, true);
    }
    return () => since !== null && performance.now() - since < PRESS_MS;
}

function append(element, children) {
    for (const child of children.flat(Infinity)) {
        if (child === null || child === undefined || child === false) continue;
        element.append(child instanceof Node ? child : document.createTextNode(plain(child)));
    }
}
