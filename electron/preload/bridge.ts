// The sandboxed preload script: exposes the Bridge to the page, nothing else. Bundled into one CommonJS file.
// Not for checks: main/ipc makes them, since a page that got this far could call with anything.
import { contextBridge, ipcRenderer } from 'electron';
import type { Bridge, BridgeRoute, BridgeSignal } from '../contract/bridge.ts';
import { bridgeKey, signalChannel } from '../contract/ipc.ts';
import type { IpcAnswer, IpcArgs, IpcChannel } from '../contract/ipc.ts';
import type { Envelope, RouteAnswer, RouteBody, RouteQuery } from '../contract/routes.ts';

const listeners = new Map<number, (signal: BridgeSignal) => void>();
let lastWatch = 0;

ipcRenderer.on(signalChannel, (_event, watch: number, signal: BridgeSignal) => listeners.get(watch)?.(signal));

const bridge: Bridge = {
  shell: 'electron',
  async call<N extends BridgeRoute>(route: N, query: RouteQuery<N>, body: RouteBody<N>) {
    // Main passes the control client's answer on unchanged, so it has the type that the route names.
    const answer: Envelope<RouteAnswer<N>> = await invoke('pinlight:call', route, query, body);
    return opened(answer);
  },
  async saveBundle(job) {
    const answer: IpcAnswer<'pinlight:save-bundle'> = await invoke('pinlight:save-bundle', job);
    return opened(answer);
  },
  async notifications(silenced) {
    const answer: IpcAnswer<'pinlight:notifications'> = await invoke('pinlight:notifications', silenced);
    return opened(answer);
  },
  watch(listener) {
    lastWatch += 1;
    const watch = lastWatch;
    listeners.set(watch, listener);
    void startWatch(watch);
    return () => {
      if (listeners.delete(watch)) void invoke('pinlight:watch-stop', watch);
    };
  },
};

contextBridge.exposeInMainWorld(bridgeKey, bridge);

async function startWatch(watch: number): Promise<void> {
  const answer: IpcAnswer<'pinlight:watch-start'> = await invoke('pinlight:watch-start', watch);
  if (!answer.ok) listeners.get(watch)?.({ kind: 'disconnected', why: answer.error.message });
}

function invoke<C extends IpcChannel>(channel: C, ...args: IpcArgs<C>): ReturnType<typeof ipcRenderer.invoke> {
  return ipcRenderer.invoke(channel, ...args);
}

function opened<T>(envelope: Envelope<T>): Promise<T> {
  // A plain object on purpose: of an Error, contextBridge copies the message only, and the page needs the code.
  return envelope.ok ? Promise.resolve(envelope.data) : Promise.reject(envelope.error);
}
