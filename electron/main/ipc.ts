// Answers the window's channels: checks who asks and what, then hands it to the control client. The only ipcMain in the house.
// Not for the shapes (contract/ipc) or for the agent's own rights, which it checks again.
import { ipcMain } from 'electron';
import type { WebContents, WebFrameMain } from 'electron';
import type { BridgeRoute, BridgeSignal } from '../contract/bridge.ts';
import { errorBody, PinlightError } from '../contract/errors.ts';
import { ipcChannels, ipcValidators, signalChannel } from '../contract/ipc.ts';
import type { NotificationKind } from '../contract/notification-kinds.ts';
import type { IpcAnswer, IpcArgs, IpcChannel, IpcFields } from '../contract/ipc.ts';
import { isOwnPage } from './app-scheme.ts';

/** What stands behind the channels. */
export type IpcServices = {
  readonly call: (route: BridgeRoute, query: IpcFields, body: IpcFields) => Promise<unknown>;
  readonly subscribe: (listener: (signal: BridgeSignal) => void) => () => void;
  readonly saveBundle: (job: string) => Promise<string | null>;
  readonly notifications: (silenced: readonly NotificationKind[] | null) => readonly NotificationKind[];
  readonly isOurWindow: (contents: WebContents) => boolean;
};

type Handlers = { readonly [C in IpcChannel]: (args: IpcArgs<C>, sender: WebContents) => Promise<IpcAnswer<C>> };

/** Registers every channel; the answer unregisters them and ends all watches. */
export function serveIpc(services: IpcServices): () => void {
  const watches = new Map<string, () => void>();
  const watched = new Set<number>();

  function endWatches(contents: number): void {
    for (const [key, end] of watches) {
      if (!key.startsWith(`${contents}/`)) continue;
      end();
      watches.delete(key);
    }
  }

  /** A reloaded or crashed page never says goodbye to its watches. */
  function endWatchesWithPage(sender: WebContents): void {
    const { id } = sender;
    if (watched.has(id)) return;
    watched.add(id);
    sender.on('did-navigate', () => endWatches(id));
    sender.on('render-process-gone', () => endWatches(id));
    sender.once('destroyed', () => {
      endWatches(id);
      watched.delete(id);
    });
  }

  const handlers: Handlers = {
    'pinlight:call': async ([route, query, body]) => ({ ok: true, data: await services.call(route, query, body) }),
    'pinlight:save-bundle': async ([job]) => ({ ok: true, data: await services.saveBundle(job) }),
    'pinlight:notifications': async ([silenced]) => ({ ok: true, data: services.notifications(silenced) }),
    'pinlight:watch-start': async ([watch], sender) => {
      const key = `${sender.id}/${watch}`;
      if (watches.has(key)) throw new PinlightError('bad-request', 'this watch runs already');
      if (watches.size >= mostOpenWatches) throw new PinlightError('bad-request', `more than ${mostOpenWatches} watches`);
      endWatchesWithPage(sender);
      watches.set(key, services.subscribe((signal) => {
        if (!sender.isDestroyed()) sender.send(signalChannel, watch, signal);
      }));
      return { ok: true, data: null };
    },
    'pinlight:watch-stop': async ([watch], sender) => {
      const key = `${sender.id}/${watch}`;
      watches.get(key)?.();
      watches.delete(key);
      return { ok: true, data: null };
    },
  };

  function serve<C extends IpcChannel>(channel: C, handler: Handlers[C]): void {
    ipcMain.handle(channel, async (event, ...args: unknown[]) => {
      try {
        if (!isOurFrame(event.senderFrame) || !services.isOurWindow(event.sender)) {
          throw new PinlightError('foreign-origin', 'only the main frame of Pinlight\'s own window may ask');
        }
        return await handler(ipcValidators[channel](args), event.sender);
      } catch (thrown) {
        return { ok: false, error: errorBody(thrown) };
      }
    });
  }
  for (const channel of ipcChannels) serve(channel, handlers[channel]);

  return () => {
    for (const channel of ipcChannels) ipcMain.removeHandler(channel);
    for (const end of watches.values()) end();
    watches.clear();
  };
}

// A window has a handful of screens and each watches once; far more would be a leak.
const mostOpenWatches = 32;

function isOurFrame(frame: WebFrameMain | null): boolean {
  return frame !== null && frame.parent === null && isOwnPage(frame.url);
}
