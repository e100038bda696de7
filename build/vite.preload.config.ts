// Bundles the preload script into one CommonJS file: a sandboxed preload script can require Electron's own modules and no files.
import { dirname } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: dirname(import.meta.dirname),
  build: {
    lib: { entry: 'electron/preload/bridge.ts', formats: ['cjs'], fileName: () => 'bridge.cjs' },
    outDir: 'build/out/preload',
    emptyOutDir: true,
    // The Chromium of Electron 45 or older, so that nothing needs translating.
    target: 'chrome130',
    minify: false,
    rolldownOptions: { external: ['electron'] },
  },
});
