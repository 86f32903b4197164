/**
 * DOM helpers. None of them takes markup: values of an incident are always inserted as text.
 */

// Control characters, and those that change the direction of the text around them.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const PRESS_MS = 10_000;
// The click follows the end of a touch within this time.
const CLICK_MS = 50;

/**
 * Make characters visible that could hide or reorder other text.
 * @param {unknown} value
 * @returns {string}
 */
export function plain(value) {
    return String(value ?? '').replace(UNSEEN, '\ufffd');
}

/**
 * Create an element.
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
 * Replace an element's children.
 * @param {Element} element
 * @param {...any} children as for {@link h}
 */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
}

/**
 * Whether an address is safe for a link: relative, or http(s).
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
 * Return a link if the address is an absolute http(s) URL, else its text.
 * @param {string} address
 * @returns {HTMLElement}
 */
export function externalLink(address) {
    if (!/^https?:\/\//i.test(address) || !isSafe(address)) return h('span', {}, address);
    return h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address);
}

/**
 * Return the link of a runbook: a page of an app, as for the shipped detections, or an absolute URL; else its text.
 * @param {string} address
 */
export function runbookLink(address) {
    const own = /^\/(?:static\/)?app\/[\w-]+\/[\w./-]+(?:#[\w-]+)?$/.test(address);
    if (!own) return externalLink(address);
    const base = new URL('../../', location.href).pathname.replace(/\/$/, '');
    return h('a', { href: base + address, target: '_blank', rel: 'noopener' }, address.split(/[/#]/).pop().replaceAll('-', ' '));
}

/**
 * Redraw an element, and keep its focus, scroll position and unfolded sections.
 * @param {HTMLElement} element descendants are recognised by their `data-place`
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
 * Track whether the pointer is pressed in an element: redrawing it then would lose the click.
 * @param {HTMLElement} element
 * @param {function(): void} released called after the press has ended and the click was handled
 * @returns {function(): boolean} whether it is pressed; false after 10 seconds, as the end of a press may be missed
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
