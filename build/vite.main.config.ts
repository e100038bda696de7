// Bundles Electron's main process into one ES module. Not for the agent, which runs from its sources on plain Node.
import { dirname } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: dirname(import.meta.dirname),
  build: {
    ssr: 'electron/main/app.ts',
    outDir: 'build/out/main',
    emptyOutDir: true,
    // Electron 45 runs Node 24.
    target: 'node24',
    minify: false,
    rolldownOptions: { external: ['electron', /^node:/], output: { format: 'es', entryFileNames: 'main.mjs', codeSplitting: false } },
  },
  ssr: { noExternal: true, external: ['electron'] },
});
