/**
 * A cell of UCC's tables of settings (Announcements, Grouping and limits, Points of work): the value, or what
 * an empty one means. All settings that there are stand in these tables, so there is none to add; UCC's
 * schema has no way to say so ("ConfigurationTable" of its globalConfig), and the button is hidden here.
 */

const EMPTY = { announce: 'nobody' };
const STYLE = 'incident-management-settings';
// UCC shows each tab in an element with its name; the button alone stands directly in the bar above the table.
const ADD = ['announce', 'general', 'capacity'].map((tab) => `#${tab}Tab > div > div:first-child > div > button`);

export default class SettingValue {
    /**
     * @param {object} globalConfig
     * @param {string} serviceName the tab's name
     * @param {HTMLElement} el
     * @param {Object<string, any>} row
     * @param {string} field
     */
    constructor(globalConfig, serviceName, el, row, field) {
        this.el = el;
        this.text = String(row[field] ?? '') || EMPTY[serviceName] || '';
    }

    render() {
        this.el.textContent = this.text;
        if (document.getElementById(STYLE)) return;
        const style = document.createElement('style');
        style.id = STYLE;
        style.textContent = `${ADD.join(', ')} { display: none; }`;
        document.head.append(style);
    }
}
