// Changes inputs at random, repeatably: the same seed gives the same inputs. Not for judging what comes of them (engine.ts).

/** 32 random bits. */
export type Random = () => number;

/** xorshift32: fast and repeatable, no secret depends on it. */
export function createRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** Numbers where lengths and signs turn over. */
const edges = [0, 1, 2, 3, 4, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 253, 254, 255];

/** One to eight changes on a copy of `input`; `others` lends pieces, `words` are what the format is made of. At most `limit` bytes. */
export function mutate(input: Uint8Array, others: readonly Uint8Array[], words: readonly Uint8Array[], random: Random, limit: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(input);
  for (let times = 1 + (random() & random() & 7); times > 0; times -= 1) bytes = change(bytes, others, words, random);
  return bytes.length > limit ? bytes.subarray(0, limit) : bytes;
}

function change(bytes: Uint8Array, others: readonly Uint8Array[], words: readonly Uint8Array[], random: Random): Uint8Array {
  const at = bytes.length === 0 ? 0 : random() % bytes.length;
  const span = 1 + random() % (random() % 4 === 0 ? Math.max(1, bytes.length - at) : 8);
  switch (bytes.length === 0 ? 7 : random() % 12) {
    case 0: bytes[at] = (bytes[at] as number) ^ (1 << (random() & 7)); return bytes;
    case 1: bytes[at] = random() & 255; return bytes;
    case 2: bytes[at] = edges[random() % edges.length] as number; return bytes;
    case 3: bytes[at] = (bytes[at] as number) + (random() % 9) - 4; return bytes;
    // A length of two bytes, a little more or less.
    case 4: {
      const value = (((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0)) + (random() % 9) - 4;
      bytes[at] = value >> 8;
      if (at + 1 < bytes.length) bytes[at + 1] = value;
      return bytes;
    }
    case 5: return splice(bytes, at, span, new Uint8Array(0));
    case 6: return splice(bytes, at, 0, bytes.subarray(at, at + span));
    case 7: return splice(bytes, at, 0, new Uint8Array(Math.min(span, 64)).map(() => random() & 255));
    case 8: {
      const word = words.length === 0 ? Uint8Array.of(0) : words[random() % words.length] as Uint8Array;
      return splice(bytes, at, random() % 2 === 0 ? 0 : word.length, word);
    }
    // The same piece many times: what is linear for one must not be worse for a hundred.
    case 9: {
      const piece = bytes.subarray(at, at + Math.min(span, 32));
      return splice(bytes, at, 0, repeated(piece, 1 + random() % 100));
    }
    case 10: {
      const other = others[random() % others.length] as Uint8Array;
      const from = random() % (other.length + 1);
      return splice(bytes, at, span, other.subarray(from, from + span * 2));
    }
    default: return bytes.subarray(0, at);
  }
}

function splice(bytes: Uint8Array, at: number, remove: number, put: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + remove));
  const made = new Uint8Array(at + put.length + rest.length);
  made.set(bytes.subarray(0, at));
  made.set(put, at);
  made.set(rest, at + put.length);
  return made;
}

function repeated(piece: Uint8Array, times: number): Uint8Array {
  const made = new Uint8Array(piece.length * times);
  for (let index = 0; index < times; index += 1) made.set(piece, index * piece.length);
  return made;
}
