// The user's theme, as @splunk/splunk-utils themes.js asks for it.
window.__get_theme__ = { getTheme: () => Promise.resolve(window.$C.SPLUNK_UI_THEME) };
