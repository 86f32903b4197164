// The theme is a cookie, so that the server can render dashboards in it.
document.getElementById('theme').addEventListener('click', () => {
    const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    document.cookie = `lite_theme=${next}; path=/; max-age=31536000; samesite=lax`;
    const url = new URL(location.href);
    url.searchParams.delete('theme');
    location.replace(url);
});
