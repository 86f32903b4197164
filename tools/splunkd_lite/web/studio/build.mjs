// Bundles src/main.jsx into the folder that is named: studio.js, studio.css, and what is loaded later.
// package.json names no "type": with "module", main.jsx would get a CommonJS package's default export
// wrapped once more, as in Node, and not as in the bundlers that the dashboard packages are made for.
import { build } from 'esbuild';

await build({
    entryPoints: { studio: 'src/main.jsx' },
    outdir: process.argv[2],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    // The dashboard packages read process.env and `global` in the browser.
    define: {
        'process.env': '{}',
        'process.env.NODE_ENV': '"production"',
        global: 'globalThis',
    },
    logLevel: 'error',
});
