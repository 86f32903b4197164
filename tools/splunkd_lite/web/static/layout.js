// The page frame that @splunk/react-page loads from Splunk Web (build/api/layout.js): it makes the
// header and hands out the element that the page renders into.
(() => {
    const [, app, view] = /\/app\/([^/]+)\/([^/?#]+)/.exec(location.pathname) || [];

    async function addHeader(place) {
        const response = await fetch(`/en-US/chrome/${app}/${view}`, { credentials: 'same-origin' });
        place.innerHTML = await response.text(); // our own server's page header
        const script = document.createElement('script');
        script.src = '/en-US/static/@1/lite/theme.js';
        document.head.append(script);
    }

    window.__splunk_layout__ = {
        create: () => {
            const style = document.createElement('link');
            style.rel = 'stylesheet';
            style.href = '/en-US/static/@1/lite/chrome.css';
            document.head.append(style);
            document.documentElement.dataset.theme = window.$C.SPLUNK_UI_THEME;
            const header = document.createElement('header');
            header.dataset.view = 'splunkjs/mvc/headerview';
            const main = document.createElement('main');
            main.setAttribute('role', 'main');
            document.body.prepend(header, main);
            addHeader(header);
            return { getContainerElement: () => main };
        },
    };
})();
