/**
 * Repeats a request: not while the page is hidden (`tabtitle.js` polls then), and later if the server asks for it.
 */

export class Poller {
    #timer = 0;
    #due = 0;

    /**
     * @param {number} seconds between the end of one round and the next
     * @param {function(): (number|Promise<number>)} round returns the seconds that the server asks to wait, or 0
     */
    constructor(seconds, round) {
        this.seconds = seconds;
        this.round = round;
        document.addEventListener('visibilitychange', () => this.#plan());
    }

    /** Start, or restart the wait. */
    start() {
        this.#due = Date.now() + this.seconds * 1000;
        this.#plan();
    }

    /** Run the next round now. */
    now() {
        this.#due = Date.now();
        this.#plan();
    }

    #plan() {
        clearTimeout(this.#timer);
        if (document.hidden || !this.#due) return;
        this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#due - Date.now()));
    }

    async #run() {
        this.#due = 0;
        let wait = 0;
        try {
            wait = await this.round();
        } finally {
            this.#due = Date.now() + Math.max(this.seconds, wait) * 1000;
            this.#plan();
        }
    }
}
