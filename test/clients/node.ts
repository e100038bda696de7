// Programs written for Node, run by the Node of these tests. Each has a copy of its script: that is its identity.
import { bothRoots, certificatePin, ownCopy, proxyEnvironment, rootsFile, runCommand, url, type Place, type Program, type Trust } from './program.ts';

export const node = {
  https: https('Node https', 'root', 'none', 'none'),
  httpsOwnList: https('Node https with a list of its own', 'own-list', 'none', 'none'),
  httpsPinIdentity: https('Node https, pin in checkServerIdentity', 'root', 'some', 'identity'),
  httpsPinConnected: https('Node https, pin in secureConnect', 'root', 'some', 'connected'),
  fetch: fetch('Node fetch', 'root'),
  fetchOwnList: fetch('Node fetch with a list of its own', 'own-list'),
  http2: http2('Node http2', 'root'),
  http2OwnList: http2('Node http2 with a list of its own', 'own-list'),
  preconnect: {
    title: 'Node that preconnects only', trust: 'root', pins: 'none', does: 'handshake', debian: 'nodejs', needs: ['node'],
    // 1.6 s: longer than the second after which a silent connection is no refusal.
    visit: (place, visit) => run(place, 'preconnect.mjs', 'Node that preconnects only', 'root', [visit.host, '1600'], /connected/),
  },
} satisfies Record<string, Program>;

/** Trusting: NODE_EXTRA_CA_CERTS holds both roots. Own list: `ca` in the script, which replaces every other. */
function https(title: string, trust: Trust, pins: Program['pins'], where: 'identity' | 'connected' | 'none'): Program {
  return {
    title, trust, pins, does: 'request', debian: 'nodejs', needs: ['node'],
    visit: (place, visit) => run(place, 'https-request.mjs', title, trust, [visit.host, trust === 'own-list' ? place.originsRootFile : '-', where === 'none' ? '-' : certificatePin(visit), where]),
  };
}

function http2(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'none', does: 'request', debian: 'nodejs', needs: ['node'],
    visit: (place, visit) => run(place, 'http2-request.mjs', title, trust, [visit.host, trust === 'own-list' ? place.originsRootFile : '-']),
  };
}

/** Trust by NODE_EXTRA_CA_CERTS in both cases: fetch takes no `ca`. */
function fetch(title: string, trust: Trust): Program {
  return {
    title, trust, pins: 'none', does: 'request', debian: 'nodejs', needs: ['node'],
    visit: (place, visit) => runCommand(process.execPath, [ownCopy(place, 'fetch.mjs', title), url(visit)], {
      env: { ...proxyEnvironment(place), NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: rootsFile(place, trust) },
    }),
  };
}

function run(place: Place, script: string, title: string, trust: Trust, rest: readonly string[], expect?: RegExp): ReturnType<Program['visit']> {
  return runCommand(process.execPath, [ownCopy(place, script, title), String(place.proxyPort), ...rest], {
    env: trust === 'own-list' ? {} : { NODE_EXTRA_CA_CERTS: bothRoots(place) }, ...(expect === undefined ? {} : { expect }),
  });
}
