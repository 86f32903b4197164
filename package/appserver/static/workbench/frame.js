/**
 * What Splunk Web puts around an app's page: its bars at the top, and the user's theme.
 *
 * The scripts and names are those that Splunk's own page packages use, as do UCC's pages. If one is missing, the page
 * works without it.
 */

const LOCALE = new URL('../../', location.href);
// With Splunk's build number, so that the browser does not cache these scripts over an upgrade of Splunk.
const STATIC = new URL(`static/@${window.$C?.BUILD_NUMBER ?? 0}/`, LOCALE);

/**
 * Put the page into Splunk Web's frame. A dashboard (`workbench_dashboard.js`) already has the frame, and RequireJS,
 * which fails on scripts that it did not load itself ("Mismatched anonymous define()").
 * @returns {Promise<HTMLElement>} the element that the page fills
 */
export async function enterFrame() {
    const panel = document.getElementById('incident-workbench');
    const dark = /dark/i.test(panel ? pageTheme() : await userTheme());
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    if (panel) return panel;
    await Promise.all([
        load(new URL('js/i18n.js', STATIC)),
        load(new URL('i18ncatalog?autoload=1', LOCALE)),
        load(new URL(`build/api/layout${dark ? '-dark' : ''}.js`, STATIC)),
    ]);
    const layout = window.__splunk_layout__;
    if (layout) return layout.create({ theme: dark ? 'dark' : 'light' }).getContainerElement();
    const main = document.createElement('main');
    document.body.append(main);
    return main;
}

/** The theme of Splunk Web's own page. */
function pageTheme() {
    return String(window.__splunk_page_theme__ ?? window.$C?.SPLUNK_UI_THEME ?? 'light');
}

async function userTheme() {
    await load(new URL('build/api/get_theme.js', STATIC));
    try {
        return String(await window.__get_theme__.getTheme());
    } catch {
        return pageTheme();
    }
}

/** Load a classic script; a missing one is ignored. Several load in parallel and run in order. */
function load(address) {
    return new Promise((resolve) => {
        const script = document.createElement('script');
        script.src = address.href;
        script.async = false;
        script.onload = script.onerror = resolve;
        document.head.append(script);
    });
}
