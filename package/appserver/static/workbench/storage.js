/**
 * What the browser keeps for somebody: their notes that were not sent, and their choices. Where it
 * may keep nothing, or has no room, the page remembers it for as long as it is open.
 */

const remembered = new Map();

/**
 * @param {'localStorage'|'sessionStorage'} place
 * @param {string} name
 * @returns {string} empty when there is nothing
 */
export function kept(place, name) {
    if (remembered.has(name)) return remembered.get(name);
    try {
        return window[place].getItem(name) ?? '';
    } catch {
        return ''; // a browser that keeps nothing throws as soon as the place is named
    }
}

/**
 * @param {'localStorage'|'sessionStorage'} place
 * @param {string} name
 * @param {string} text empty to keep nothing any more
 */
export function keep(place, name, text) {
    try {
        if (text) window[place].setItem(name, text);
        else window[place].removeItem(name);
        remembered.delete(name);
    } catch {
        remembered.set(name, text);
    }
}
