/**
 * The browser's storage of a user's drafts and preferences. If the browser's storage is blocked or full, values are
 * kept in memory while the page is open.
 */

const remembered = new Map();
let owner = '';

/**
 * Set the user that values in `sessionStorage` belong to, so that they are hidden from whoever logs in next.
 * @param {string} user
 */
export function setStorageOwner(user) {
    owner = user;
}

const named = (place, name) => (place === 'sessionStorage' ? `${name} of ${owner}` : name);

/**
 * @param {'localStorage'|'sessionStorage'} place
 * @param {string} name
 * Read a value.
 * @returns {string} empty if there is none
 */
export function readStored(place, name) {
    const key = named(place, name);
    if (remembered.has(key)) return remembered.get(key);
    try {
        return window[place].getItem(key) ?? '';
    } catch {
        return ''; // with blocked storage even reading the property throws
    }
}

/**
 * @param {'localStorage'|'sessionStorage'} place
 * @param {string} name
 * @param {string} text empty to delete it
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
