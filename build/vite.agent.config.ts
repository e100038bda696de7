// Bundles the agent and its watchdog into plain JavaScript: starts in half the time and without the memory that reading TypeScript takes.
// Native packages stay outside. Not needed to run from sources (electron/agent/main.ts, electron/watchdog/main.ts).
import { dirname } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: dirname(import.meta.dirname),
  build: {
    ssr: true,
    outDir: 'build/out/agent',
    emptyOutDir: true,
    target: 'node24',
    minify: false,
    rolldownOptions: {
      input: { main: 'electron/agent/main.ts', watchdog: 'electron/watchdog/main.ts', 'read-worker': 'electron/agent/store/read-worker.ts', 'bundle-worker': 'electron/agent/diagnostics/bundle-worker.ts', 'pac-worker': 'electron/agent/proxy/pac-worker.ts', 'secret-service-child': 'native/secret-store/secret-service-child.ts' },
      external: ['@napi-rs/keyring', 'better-sqlite3', 'koffi', 'pac-resolver', 'quickjs-wasi', /^node:/],
      // The process keeps its source text: no white space and comments, one byte a character. Names stay, for stack traces.
      output: { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: 'shared-[hash].mjs', minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } } },
      plugins: [{ name: 'ascii', generateBundle: (_options, bundle) => {
        for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = file.code.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
      } }],
    },
  },
  ssr: { noExternal: true, external: ['@napi-rs/keyring', 'better-sqlite3', 'koffi', 'pac-resolver', 'quickjs-wasi'] },
});
