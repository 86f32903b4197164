/**
 * The choices that forms offer: teams, people and fixes.
 */

import { ApiError, get } from './api.js';
import { setDefinitions } from './fields.js';
import { now } from './format.js';

const KEPT_SECONDS = 300;

export class FormChoices {
    #kept = null;

    /**
     * @param {string} me the user's name
     * @param {function(): void} redraw called after the custom fields have changed
     */
    constructor(me, redraw) {
        this.me = me;
        this.redraw = redraw;
    }

    /**
     * Return teams, people and fixes. Forms work without them, so what can't be read is left out.
     * @returns {Promise<import('./actions.js').Choices>}
     */
    async choices() {
        if (!this.#kept || now() - this.#kept.readAt > KEPT_SECONDS) {
            const read = await Promise.all([listOf('teams'), listOf('actions'), listOf('fields')]);
            const [teams, actions] = read.map((list) => list ?? []);
            if (read[2] && setDefinitions(read[2])) this.redraw();
            const people = new Set([this.me, ...teams.flatMap((team) => team.members)]);
            this.#kept = {
                readAt: read.includes(null) ? 0 : now(), // a failed read is repeated next time
                me: this.me,
                teams: teams.map((team) => team.name),
                people: [...people].sort(),
                shifts: new Map(teams.map((team) => [team.name, atWork(team.people)])),
                actions: actions.filter((action) => action.proposable).map((action) => [action.name, action.label]),
                others: [],
            };
        }
        return this.#kept;
    }
}

/** @returns {Promise<import('./actions.js').Incident[]>} the most severe open incidents; none if they can't be read */
export async function openIncidents() {
    return (await listOf('incidents', { status: 'open', sort: '-severity', limit: 200 })) ?? [];
}

/** Read a list of the API by its name; null if it can't be read now. */
async function listOf(name, query = {}) {
    try {
        return (await get(name, query)).body[name];
    } catch (error) {
        if (error instanceof ApiError) return null;
        throw error;
    }
}

const atWork = (people) => people.filter((one) => one.on_shift).sort((a, b) => a.load - b.load).map((one) => one.name);
