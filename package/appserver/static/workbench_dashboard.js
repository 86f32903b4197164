/**
 * The workbench within a Simple XML dashboard, for a Splunk that blocks the templates of apps. Splunk Web
 * loads this by the dashboard's attribute `script` ("Customize dashboard styling and behavior" in
 * Splunk's manual). The build puts its number into the address, so that no browser keeps older modules.
 */
(() => {
    const folder = new URL('../../static/@build/app/incident_management/workbench/', location.href);

    function begin() {
        const place = document.getElementById('incident-workbench');
        if (!place) return false; // Splunk Web makes the panel when the dashboard is ready
        place.replaceChildren();
        const sheet = document.createElement('link');
        sheet.rel = 'stylesheet';
        sheet.href = new URL('workbench.css', folder).href;
        document.head.append(sheet);
        for (const module of ['preload.js', 'main.js']) import(new URL(module, folder).href);
        return true;
    }

    if (begin()) return;
    const watcher = new MutationObserver(() => begin() && watcher.disconnect());
    watcher.observe(document.documentElement, { childList: true, subtree: true });
})();
