// Starts the window: words, bridge, store, screens. Not for anything a screen decides.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createHttpBridge } from './bridge-http.ts';
import { visible } from './format.ts';
import { startWords } from './i18n.ts';
import { connectAgent } from './state/agent-store.ts';
import { Services } from './state/services.tsx';

const t = await startWords();

const bridge = window.pinlight ?? createHttpBridge();
const agent = connectAgent({ watch: (listener) => bridge.watch(listener), status: () => bridge.call('status', {}, {}) });
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');

createRoot(root, { onUncaughtError: (fault) => showFault(root, fault) }).render(
  <StrictMode>
    <Services bridge={bridge} agent={agent.store}>
      <App />
    </Services>
  </StrictMode>,
);

/** React has taken everything down: says so instead of an empty window. */
function showFault(place: HTMLElement, fault: unknown): void {
  const box = document.createElement('div');
  const words = document.createElement('p');
  const detail = document.createElement('p');
  const again = document.createElement('button');
  box.className = 'fault';
  box.setAttribute('role', 'alert');
  words.textContent = t('app.fault');
  detail.className = 'mono muted';
  detail.textContent = visible(String(fault));
  again.className = 'button';
  again.textContent = t('app.reload');
  again.addEventListener('click', () => location.reload());
  box.append(words, detail, again);
  place.replaceChildren(box);
}
