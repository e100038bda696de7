// The proxy setting of a Windows user: the connection options of WinINET, which Edge, Chrome and most programs follow, and WinHTTP reads.
// By InternetSetOption: registry values alone are not enough (measured under Wine). Not for services, which read WinHTTP's own (winhttp.ts).
import koffi from 'koffi';
import { pacUrl } from './setting.ts';
import type { Found } from './setting.ts';
import type { Values, ValueStore } from './value-setting.ts';

/** The options as plain values; strings are '' when unset. */
export type ConnectionOptions = { readonly flags: number; readonly proxy: string; readonly bypass: string; readonly pac: string };

/** What is used of wininet.dll; each throws an Error with the system's number. */
export type Wininet = { query(): ConnectionOptions; set(options: ConnectionOptions): void };

const direct = 1;
const manual = 2;
const byPac = 4;
const detect = 8;

/** `load`: called at the first use. */
export function wininetStore(load: () => Wininet): ValueStore {
  return {
    name: 'wininet', kind: 'system', path: 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings', detail: 'Edge, Chrome and most programs of Windows follow it at once',
    blocked: () => null,
    read() {
      try {
        const { flags, ...texts } = load().query();
        return Promise.resolve({ kind: 'values', values: { flags: String(flags), proxy: texts.proxy || null, bypass: texts.bypass || null, pac: texts.pac || null } });
      } catch (error) {
        return Promise.resolve({ kind: 'unreadable', why: error instanceof Error ? error.message : String(error) });
      }
    },
    write(values) {
      const api = load();
      const is = api.query();
      api.set({ ...is, flags: Number(values['flags'] ?? is.flags), pac: values['pac'] === undefined ? is.pac : values['pac'] ?? '' });
      return Promise.resolve();
    },
    wanted: (wanted) => ({ flags: String(direct | byPac), pac: pacUrl(wanted) }),
    untouched: { flags: String(direct), pac: null },
    pac: (values) => ((Number(values['flags']) & byPac) === 0 ? null : values['pac'] ?? null),
    found: foundIn,
  };
}

function foundIn(values: Values): Found | null {
  const flags = Number(values['flags']);
  if ((flags & byPac) !== 0 && values['pac'] !== null) return { plain: true, words: `PAC ${values['pac'] ?? ''}` };
  if ((flags & manual) !== 0 && values['proxy'] !== null) return { plain: !/socks=/i.test(values['proxy'] ?? ''), words: `proxy ${values['proxy'] ?? ''}` };
  // Detection is on as Windows comes; a network without WPAD answers nothing, and one with it is not ours to judge from here.
  return (flags & detect) !== 0 && (flags & direct) === 0 ? { plain: false, words: 'the network is asked for a proxy (WPAD)' } : null;
}

/** INTERNET_OPTION_PER_CONNECTION_OPTION, and what makes running programs read it again. */
const perConnection = 75;
const settingsChanged = 39;
const refresh = 37;

/** wininet.dll, loaded on the first call. Throws where there is none: on every system but Windows. Layouts: 64 bit. */
export function loadWininet(): Wininet {
  const wininet = koffi.load('wininet.dll');
  const kernel = koffi.load('kernel32.dll');
  const queryOption = wininet.func('int __stdcall InternetQueryOptionW(void *internet, uint32_t option, uint8_t *buffer, _Inout_ uint32_t *length)');
  const setOption = wininet.func('int __stdcall InternetSetOptionW(void *internet, uint32_t option, uint8_t *buffer, uint32_t length)');
  const globalFree = kernel.func('void * __stdcall GlobalFree(void *memory)');
  const lastError = kernel.func('uint32_t __stdcall GetLastError()');
  const failed = (call: string): Error => new Error(`${call} failed with Windows error ${String(lastError())}`);
  return {
    query() {
      const block = layOut([1, 2, 3, 4].map((option) => ({ option, value: 0 })));
      if (queryOption(null, perConnection, block, [listBytes]) === 0) throw failed('InternetQueryOption');
      const text = (at: number): string => {
        const pointer = block.readBigUInt64LE(valueAt(at));
        if (pointer === 0n) return '';
        const read: unknown = koffi.decode(pointer, 'char16_t', -1);
        globalFree(pointer);
        return String(read);
      };
      return { flags: block.readUInt32LE(valueAt(0)), proxy: text(1), bypass: text(2), pac: text(3) };
    },
    set({ flags, proxy, bypass, pac }) {
      const block = layOut([{ option: 1, value: flags }, ...[proxy, bypass, pac].map((value, at) => ({ option: at + 2, value }))]);
      if (setOption(null, perConnection, block, listBytes) === 0) throw failed('InternetSetOption');
      for (const option of [settingsChanged, refresh]) setOption(null, option, null, 0);
    },
  };
}

const listBytes = 32;
const optionBytes = 16;

function valueAt(option: number): number {
  return listBytes + option * optionBytes + 8;
}

/** INTERNET_PER_CONN_OPTION_LIST for the default connection, its options, and their texts: one block, so that it lives as long as the call. */
function layOut(entries: readonly { readonly option: number; readonly value: number | string }[]): Buffer {
  const texts = entries.map(({ value }) => (typeof value === 'string' ? Buffer.from(`${value}\0`, 'utf16le') : Buffer.alloc(0)));
  const head = valueAt(entries.length) - 8;
  const block = Buffer.alloc(head + Buffer.concat(texts).length);
  const base = koffi.address(block);
  let textAt = head;
  for (const [at, { option, value }] of entries.entries()) {
    block.writeUInt32LE(option, valueAt(at) - 8);
    if (typeof value === 'number') block.writeUInt32LE(value, valueAt(at));
    else block.writeBigUInt64LE(base + BigInt(textAt), valueAt(at));
    textAt += texts[at]?.copy(block, textAt) ?? 0;
  }
  block.writeUInt32LE(listBytes, 0);
  block.writeUInt32LE(entries.length, 16);
  block.writeBigUInt64LE(base + BigInt(listBytes), 24);
  return block;
}
