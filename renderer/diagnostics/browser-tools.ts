// What the window's own process brings to read a bundle: inflating with a limit, SHA-256, UTF-8. The file stays in this sandboxed process.
import type { Hmac } from '../../electron/core/diagnostics/ask-bundle.ts';
import type { BundleTools } from '../../electron/core/diagnostics/read-bundle.ts';

/** HMAC-SHA-256 of this process. */
export const browserHmac: Hmac = async (key, text) => {
  const imported = await crypto.subtle.importKey('raw', new Uint8Array(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text)));
};

export const browserBundleTools: BundleTools = {
  inflate: async (packed, most) => {
    try {
      const reader = new Blob([new Uint8Array(packed)]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
      const content = new Uint8Array(most);
      let have = 0;
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        if (have + part.value.length > most) {
          await reader.cancel();
          return null;
        }
        content.set(part.value, have);
        have += part.value.length;
      }
      return content.subarray(0, have);
    } catch {
      return null;
    }
  },
  sha256: async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  },
  text: (bytes) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return null;
    }
  },
};
