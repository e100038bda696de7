// The oracle: whatever hello Node's TLS stack takes, our reader names the same server; whatever the stack refuses, no server of ours answers
// with a leaf. A difference would be a way around policy. In memory: no sockets.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { loadAuthority } from '../../../electron/agent/ca/authority.ts';
import { createLeafContexts } from '../../../electron/agent/ca/leaf-contexts.ts';
import { readClientHello } from '../../../electron/core/tls/client-hello.ts';
import { createTestAuthority } from '../../support/origins.ts';
import type { Target } from '../engine.ts';
import { insist, once } from '../insist.ts';
import { helloSeeds, helloWords } from './tls.ts';

type Answer = { readonly answered: boolean; readonly name: string | null };
/** Both take a connection; `lenient` tells the name it sees. */
type Stacks = { readonly lenient: (stream: Duplex, named: (name: string) => void) => void; readonly ours: (stream: Duplex) => void };

const stacks = once((): Stacks => {
  const authority = createTestAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-fuzz-'));
  try {
    // As lenient as the stack can be made, so that it takes as many odd hellos as possible. Groups as in ca/leaf-contexts.ts: a broken
    // key share that is not chosen is not looked at, so both have to choose the same.
    const secureContext = tls.createSecureContext({
      ...authority.leaf('stack.example'), minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', honorCipherOrder: true,
      ecdhCurve: 'X25519MLKEM768:X25519:prime256v1:secp384r1:secp521r1',
    });
    const root = loadAuthority(folder, 'fuzz', Date.now());
    if (root.kind !== 'authority') throw new Error(root.why);
    const context = createLeafContexts(root.authority, () => undefined, () => undefined).contextFor({
      account: null, host: 'stack.example', upstreamHash: '00', upstreamNotAfter: Date.now() + 20 * 24 * 3600_000, alpn: null, maxVersion: 'TLSv1.3', bulk: 'AES128', key: 'ec', rule: null,
    }, Date.now());
    if (context.kind !== 'context') throw new Error(context.why);
    const { server } = context;
    return {
      // A socket of its own for each question: a server would tell of an earlier one's end while the next is asked.
      lenient: (stream, named) => {
        const options: tls.TLSSocketOptions & Pick<tls.TlsOptions, 'ALPNCallback'> = {
          isServer: true, secureContext, ALPNCallback: ({ protocols }) => protocols[0],
          SNICallback: (name, done) => {
            named(name);
            done(null);
          },
        };
        new tls.TLSSocket(stream, options).on('error', () => undefined);
      },
      ours: (stream) => { server.emit('connection', stream); },
    };
  } finally {
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What a stack makes of these bytes: true = a ServerHello came back. */
function ask(connect: (stream: Duplex) => void, bytes: Uint8Array): Promise<boolean> {
  return new Promise((done) => {
    let sent = false;
    const end = (answered: boolean): void => {
      done(answered);
      stream.destroy();
    };
    const stream = new Duplex({
      read() {
        if (sent) return;
        sent = true;
        this.push(Buffer.from(bytes));
        // The end comes in a turn of its own, as from a socket: told in the same one, the stack goes on behind an error of its own.
        setImmediate(() => {
          if (!this.destroyed) this.push(null);
        });
      },
      write(chunk: Buffer, _encoding, taken) {
        taken();
        end(chunk[0] === 22);
      },
    });
    // The stack answers in the turn in which it reads: one that has read to the end, and a turn later has said nothing, never will.
    stream.on('error', () => undefined).once('close', () => end(false)).once('end', () => setImmediate(end, false));
    connect(stream);
  });
}

/** The stack's name as we normalise it; null where we promise none (no printable ASCII). */
function normal(name: string): string | null {
  return /^[!-~]+$/.test(name) ? name.replace(/\.$/, '').toLowerCase() || null : null;
}

async function askLenient(bytes: Uint8Array): Promise<Answer> {
  let name: string | null = null;
  const answered = await ask((stream) => stacks().lenient(stream, (seen) => { name = seen; }), bytes);
  return { answered, name };
}

export const sniOracle: Target = {
  name: 'sni-oracle', files: ['core/tls/client-hello.ts'], words: helloWords, limit: 4_000, seeds: helloSeeds,
  run: async (input) => {
    const stack = await askLenient(input);
    const read = readClientHello(input);
    const ours = read.kind === 'client-hello' ? read.hello.serverName : null;
    const told = `the stack ${stack.answered ? 'answers' : 'refuses'} and names ${JSON.stringify(stack.name)}, the reader says ${read.kind} and ${JSON.stringify(ours)}`;
    if (stack.name !== null && stack.name !== '') insist(read.kind === 'client-hello' && ours === normal(stack.name), told);
    else if (stack.answered) insist(ours === null, told);
    if (stack.answered) insist(read.kind === 'client-hello', told);
    else if (read.kind === 'client-hello') insist(!await ask(stacks().ours, input), `${told}, and our own server answers`);
  },
};
