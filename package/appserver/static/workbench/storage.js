/**
 * What the browser keeps for somebody: their notes that were not sent, and their choices. Where it
 * may keep nothing, or has no room, the page remembers it for as long as it is open.
 */

const remembered = new Map();
let owner = '';

/**
 * Who looks: what a tab keeps (`sessionStorage`) is theirs, and not of whoever logs in after them.
 * @param {string} user
 */
export function setStorageOwner(user) {
    owner = user;
}

const named = (place, name) => (place === 'sessionStorage' ? `${name} of ${owner}` : name);

/**
 * @param {'localStorage'|'sessionStorage'} place
 * @param {string} name
 * @returns {string} empty when there is nothing
 */
export function readStored(place, name) {
    const key = named(place, name);
    if (remembered.has(key)) return remembered.get(key);
    try {
        return window[place].getItem(key) ?? '';
    } catch {
        return ''; // a browser that keeps nothing throws as soon as the place is named
    }
}

/**
 * @param {'localStorage'|'sessionStorage'} place
 * @param {string} name
 * @param {string} text empty to keep nothing any more
 */
export function writeStored(place, name, text) {
    const key = named(place, name);
    try {
        if (text) window[place].setItem(key, text);
        else window[place].removeItem(key);
        remembered.delete(key);
    } catch {
        remembered.set(key, text);
    }
}
