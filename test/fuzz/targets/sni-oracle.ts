// The oracle: whatever hello Node's TLS stack takes, our reader names the same server; whatever the stack refuses, no server of ours answers
// with a leaf. A difference would be a way around policy (facts/security.md 5.1). In memory: no sockets.
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
type Stacks = { readonly lenient: tls.Server; readonly ours: tls.Server; readonly named: { name: string | null } };

const stacks = once((): Stacks => {
  const named: Stacks['named'] = { name: null };
  const authority = createTestAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'pinlight-fuzz-'));
  try {
    // As lenient as the stack can be made, so that it takes as many odd hellos as possible.
    const lenient = tls.createServer({
      ...authority.leaf('stack.example'), minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', ALPNCallback: ({ protocols }) => protocols[0],
      SNICallback: (name, done) => {
        named.name = name;
        done(null);
      },
    });
    const root = loadAuthority(folder, 'fuzz', Date.now());
    if (root.kind !== 'authority') throw new Error(root.why);
    const context = createLeafContexts(root.authority, () => undefined, () => undefined).contextFor({
      host: 'stack.example', upstreamHash: '00', upstreamNotAfter: Date.now() + 20 * 24 * 3600_000, alpn: null, maxVersion: 'TLSv1.3', bulk: 'AES128', key: 'ec', rule: null,
    }, Date.now());
    if (context.kind !== 'context') throw new Error(context.why);
    for (const server of [lenient, context.server]) server.on('tlsClientError', () => refused());
    return { lenient, ours: context.server, named };
  } finally {
    authority.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Ends the question that is asked right now; there is never more than one. */
let refused = (): void => undefined;

/** What a stack makes of these bytes: true = a ServerHello came back. */
function ask(server: tls.Server, bytes: Uint8Array): Promise<boolean> {
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
    refused = () => end(false);
    stream.on('error', () => undefined).once('close', () => end(false));
    server.emit('connection', stream);
  });
}

/** The stack's name as we normalise it; null where we promise none (no printable ASCII). */
function normal(name: string): string | null {
  return /^[!-~]+$/.test(name) ? name.replace(/\.$/, '').toLowerCase() || null : null;
}

async function askLenient(bytes: Uint8Array): Promise<Answer> {
  const { lenient, named } = stacks();
  named.name = null;
  const answered = await ask(lenient, bytes);
  return { answered, name: named.name };
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
