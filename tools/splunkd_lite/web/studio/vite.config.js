import { defineConfig } from 'vite';

export default defineConfig({
    // The dashboard packages read process.env and `global` in the browser.
    define: {
        'process.env': {},
        'process.env.NODE_ENV': '"production"',
        global: 'globalThis',
    },
    esbuild: { jsx: 'automatic' },
    base: './',
    build: {
        emptyOutDir: true,
        chunkSizeWarningLimit: 20000,
        cssCodeSplit: false,
        reportCompressedSize: false,
        rollupOptions: {
            input: 'src/main.jsx',
            output: {
                entryFileNames: 'studio.js',
                assetFileNames: 'studio[extname]',
                chunkFileNames: '[name]-[hash].js',
            },
        },
    },
});
