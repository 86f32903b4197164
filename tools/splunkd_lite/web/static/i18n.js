// The translation functions that pages find in Splunk Web. The pages' own language is English.
window.i18n_register = (catalogue) => {
    window.i18nCatalogue = catalogue;
};
window.gettext = (text) => text;
window._ = window.gettext;
window.ungettext = (one, many, count) => (count === 1 ? one : many);
