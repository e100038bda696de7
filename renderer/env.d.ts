// What the window finds in its surroundings: Electron's preload may have put the bridge there. Also types the catalogue's keys.
import type { Bridge } from '../electron/contract/bridge.ts';
import type en from './locales/en.json';

declare global {
  interface Window {
    readonly pinlight?: Bridge;
  }
}

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en; sentences: Readonly<Record<string, string>> };
  }
}
