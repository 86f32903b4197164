/**
 * The title of a tab in the background: it counts the new incidents, or says that the page is not connected, so that
 * a page without a session does not look calm.
 */

import { get } from './api.js';

const LOOK_SECONDS = 60;
const MOST = 50;
const LOST = 'Not connected';

/**
 * @param {function(): Object<string, string>} filters returns the list's filters as a query
 */
export function watchTabTitle(filters) {
    let turn = 0;
    let title = '';

    async function look(mine, known) {
        let seen = known;
        let said = '';
        try {
            const { body } = await get('incidents', { ...filters(), sort: '-opened_at', limit: MOST, fields: 'id' });
            const ids = body.incidents.map((one) => one.id);
            seen ??= new Set(ids);
            const fresh = ids.filter((id) => !seen.has(id)).length;
            if (fresh) said = `(${fresh === MOST ? `${MOST}+` : fresh}) `;
        } catch {
            said = `${LOST} · `;
        }
        if (mine !== turn) return;
        document.title = said + title;
        setTimeout(() => mine === turn && look(mine, seen), LOOK_SECONDS * 1000);
    }

    document.addEventListener('visibilitychange', () => {
        turn += 1;
        if (document.hidden) {
            title = document.title;
            look(turn, null);
        } else if (title) {
            document.title = title;
            title = '';
        }
    });
}
