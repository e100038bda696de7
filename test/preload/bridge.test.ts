// The bridge from page to main and back: the real preload script against the real channel handlers, with Electron's IPC played.
// Not for Electron's own copying between worlds: structuredClone stands in for it.
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Bridge, BridgeSignal } from '../../electron/contract/bridge.ts';
import { PinlightError } from '../../electron/contract/errors.ts';
import { ipcChannels } from '../../electron/contract/ipc.ts';
import { appIndex } from '../../electron/main/app-scheme.ts';
import { serveIpc } from '../../electron/main/ipc.ts';
import type { IpcServices } from '../../electron/main/ipc.ts';
import { snapshotOf } from '../main/snapshots.ts';

type Handler = (event: unknown, ...args: readonly unknown[]) => Promise<unknown>;

const played = vi.hoisted(() => ({
  handlers: new Map<string, Handler>(),
  exposed: new Map<string, Bridge>(),
  pushes: new Map<string, (event: unknown, ...args: readonly unknown[]) => void>(),
  pageEvents: new Map<string, () => void>(),
  frame: { parent: null, url: '' } as { parent: unknown; url: string } | null,
}));

const sender = vi.hoisted(() => ({
  id: 5,
  isDestroyed: () => false,
  send: (channel: string, ...args: readonly unknown[]) => played.pushes.get(channel)?.({}, ...structuredClone(args)),
  on: (name: string, listener: () => void) => played.pageEvents.set(name, listener),
  once: (name: string, listener: () => void) => played.pageEvents.set(name, listener),
}));

vi.mock('electron', () => ({
  ipcMain: {
    handle: (channel: string, handler: Handler) => played.handlers.set(channel, handler),
    removeHandler: (channel: string) => played.handlers.delete(channel),
  },
  ipcRenderer: {
    invoke: async (channel: string, ...args: readonly unknown[]) =>
      structuredClone(await played.handlers.get(channel)?.({ senderFrame: played.frame, sender }, ...structuredClone(args))),
    on: (channel: string, listener: (event: unknown, ...args: readonly unknown[]) => void) => played.pushes.set(channel, listener),
  },
  contextBridge: { exposeInMainWorld: (key: string, value: Bridge) => played.exposed.set(key, value) },
}));

let bridge: Bridge;
let services: { -readonly [K in keyof IpcServices]: IpcServices[K] };
let listeners: Set<(signal: BridgeSignal) => void>;
let stop: () => void = () => undefined;

beforeAll(async () => {
  await import('../../electron/preload/bridge.ts');
  const exposed = played.exposed.get('pinlight');
  if (exposed === undefined) throw new Error('the preload script exposed nothing');
  bridge = exposed;
});

beforeEach(() => {
  stop();
  played.frame = { parent: null, url: appIndex };
  listeners = new Set();
  services = {
    call: async (route, query) => ({ route, query }),
    subscribe: (listener) => {
      listeners.add(listener);
      listener({ kind: 'snapshot', snapshot: snapshotOf() });
      return () => listeners.delete(listener);
    },
    saveBundle: async () => '/home/ada/Downloads/b.zip',
    notifications: (silenced) => silenced ?? ['agent'],
    isOurWindow: () => true,
  };
  stop = serveIpc({
    call: (...args) => services.call(...args), subscribe: (listener) => services.subscribe(listener),
    saveBundle: (job) => services.saveBundle(job), notifications: (silenced) => services.notifications(silenced), isOurWindow: (contents) => services.isOurWindow(contents),
  });
});

test('the page gets one object with exactly the bridge', () => {
  expect([...played.exposed.keys()]).toEqual(['pinlight']);
  expect(Object.keys(bridge).sort()).toEqual(['call', 'notifications', 'saveBundle', 'shell', 'watch']);
  expect(bridge.shell).toBe('electron');
});

test('a call is answered', async () => {
  expect(await bridge.call('connections', { filter: 'port:443' }, {})).toEqual({ route: 'connections', query: { filter: 'port:443' } });
});

test('a refusal keeps its code on the way, as a plain value', async () => {
  services.call = async () => {
    throw new PinlightError('not-permitted', 'not yours');
  };
  await expect(bridge.call('status', {}, {})).rejects.toEqual({
    code: 'not-permitted', message: 'not yours', advice: 'Ask an administrator, or run the command as the user who runs the agent.',
  });
});

test('a cancelled bundle is null', async () => {
  services.saveBundle = async () => null;
  expect(await bridge.saveBundle('job-1')).toBeNull();
});

test('silenced notifications are asked for and chosen', async () => {
  expect(await bridge.notifications?.(null)).toEqual(['agent']);
  expect(await bridge.notifications?.(['pause', 'apps'])).toEqual(['apps', 'pause']);
});

test('a watch gets the snapshot first, then changes, until it ends', async () => {
  const seen: BridgeSignal['kind'][] = [];
  const end = bridge.watch((signal) => seen.push(signal.kind));
  await vi.waitFor(() => expect(seen).toEqual(['snapshot']), 10_000);
  for (const listener of listeners) listener({ kind: 'heartbeat' });
  expect(seen).toEqual(['snapshot', 'heartbeat']);
  end();
  await vi.waitFor(() => expect(listeners.size).toBe(0), 10_000);
});

test('two watches do not mix', async () => {
  const first: string[] = [];
  const second: string[] = [];
  const endFirst = bridge.watch((signal) => first.push(signal.kind));
  bridge.watch((signal) => second.push(signal.kind));
  await vi.waitFor(() => expect(listeners.size).toBe(2), 10_000);
  endFirst();
  await vi.waitFor(() => expect(listeners.size).toBe(1), 10_000);
  for (const listener of listeners) listener({ kind: 'heartbeat' });
  expect([first, second]).toEqual([['snapshot'], ['snapshot', 'heartbeat']]);
});

test.each(['did-navigate', 'render-process-gone', 'destroyed'])('a page that ends by %s leaves no watch behind', async (event) => {
  bridge.watch(() => undefined);
  await vi.waitFor(() => expect(listeners.size).toBe(1), 10_000);
  played.pageEvents.get(event)?.();
  expect(listeners.size).toBe(0);
});

test('more watches than a window needs are refused, in the watch itself', async () => {
  const refused: BridgeSignal[] = [];
  for (let index = 0; index < 40; index += 1) {
    bridge.watch((signal) => {
      if (signal.kind === 'disconnected') refused.push(signal);
    });
  }
  await vi.waitFor(() => expect(refused.length).toBe(8), 10_000);
  expect(listeners.size).toBe(32);
});

describe('who may ask', () => {
  const frames = [
    ['a frame that is gone', null],
    ['a frame inside the page', { parent: {}, url: appIndex }],
    ['a page of another host', { parent: null, url: 'app://evil/index.html' }],
    ['a page of the web', { parent: null, url: 'https://pinlight/index.html' }],
    ['an empty page', { parent: null, url: 'about:blank' }],
  ] as const;
  for (const channel of ipcChannels) {
    test.each(frames)(`%s is refused on ${channel}`, async (_name, frame) => {
      played.frame = frame;
      expect(await played.handlers.get(channel)?.({ senderFrame: frame, sender }, 1)).toMatchObject({ ok: false, error: { code: 'foreign-origin' } });
    });
    test(`another window is refused on ${channel}`, async () => {
      services.isOurWindow = () => false;
      expect(await played.handlers.get(channel)?.({ senderFrame: played.frame, sender }, 1)).toMatchObject({ ok: false, error: { code: 'foreign-origin' } });
    });
  }

  test('wrong arguments never reach what stands behind', async () => {
    const call = vi.fn(services.call);
    services.call = call;
    const answer = await played.handlers.get('pinlight:call')?.({ senderFrame: played.frame, sender }, 'stop', {}, {});
    expect(answer).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect(call).not.toHaveBeenCalled();
  });
});
