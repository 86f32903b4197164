// The user's theme, as @splunk/splunk-utils themes.js asks for it. As Splunk Web's build makes its APIs: a
// nameless module where there is RequireJS, else a global.
(() => {
    const api = { getTheme: () => Promise.resolve(window.$C.SPLUNK_UI_THEME) };
    if (window.define?.amd) window.define([], () => api);
    else window.__get_theme__ = api;
})();
