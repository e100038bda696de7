// Starts the window: words, bridge, store, screens. Not for anything a screen decides.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createHttpBridge } from './bridge-http.ts';
import { startWords } from './i18n.ts';
import { connectAgent } from './state/agent-store.ts';
import { Services } from './state/services.tsx';

await startWords();

const bridge = window.pinlight ?? createHttpBridge();
const agent = connectAgent({ watch: (listener) => bridge.watch(listener), status: () => bridge.call('status', {}, {}) });
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');

createRoot(root).render(
  <StrictMode>
    <Services bridge={bridge} agent={agent.store}>
      <App />
    </Services>
  </StrictMode>,
);
