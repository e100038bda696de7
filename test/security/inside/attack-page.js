// Runs in a page of row F4, in Chromium: every way a page has to reach a server. Resolves with what each has brought: `nothing`, or what was seen.
// Not a module: the page gets it as text.
globalThis.attack = async (port) => {
  const base = `http://127.0.0.1:${port}`;
  const call = JSON.stringify({ route: 'addExclusion', query: {}, body: { host: 'forged.test', reason: 'x' } });
  const late = new Promise((done) => { setTimeout(() => done('nothing'), 3_000); });
  const element = (tag, path) => Promise.race([late, new Promise((done) => {
    const one = document.createElement(tag);
    one.addEventListener('load', () => done(`${tag} loaded`));
    one.addEventListener('error', () => done('nothing'));
    if (one instanceof HTMLLinkElement) {
      one.rel = 'stylesheet';
      one.href = base + path;
    } else one.src = base + path;
    document.body.append(one);
  })]);
  const read = (init, path = '/bridge/call') => fetch(base + path, init).then(async (answer) => (answer.type === 'opaque' ? 'nothing' : `${answer.status} ${await answer.text()}`), () => 'nothing');
  const form = document.createElement('form');
  const frame = document.createElement('iframe');
  frame.name = 'target';
  form.target = 'target';
  form.method = 'POST';
  form.enctype = 'text/plain';
  form.action = `${base}/bridge/call`;
  const field = document.createElement('input');
  field.name = call.slice(0, -1);
  field.value = '"}';
  form.append(field);
  document.body.append(frame, form);
  form.submit();
  navigator.sendBeacon(`${base}/bridge/call`, new Blob([call], { type: 'text/plain' }));
  return {
    'fetch with JSON': await read({ method: 'POST', body: call, headers: { 'content-type': 'application/json' } }), 'fetch with plain text': await read({ method: 'POST', body: call, headers: { 'content-type': 'text/plain' } }),
    'fetch with cookies': await read({ credentials: 'include' }, '/'), 'fetch without CORS': await read({ method: 'POST', body: call, mode: 'no-cors' }), 'fetch with DELETE': await read({ method: 'DELETE' }, '/v1/exclusions?id=x'),
    'fetch of the stream': await read({}, '/bridge/watch'), 'fetch of the bundle': await read({}, '/bridge/bundle'), image: await element('img', '/bridge/bundle'), script: await element('script', '/assets/index.js'), style: await element('link', '/assets/index.css'),
    WebSocket: await Promise.race([late, new Promise((done) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/bridge/watch`);
      socket.addEventListener('open', () => done('open'));
      socket.addEventListener('error', () => done('nothing'));
    })]),
    EventSource: await Promise.race([late, new Promise((done) => {
      const source = new EventSource(`${base}/bridge/watch`);
      source.addEventListener('open', () => done('open'));
      source.addEventListener('error', () => done('nothing'));
    })]),
    XHR: await Promise.race([late, new Promise((done) => {
      const request = new XMLHttpRequest();
      request.addEventListener('load', () => done(`${request.status} ${request.responseText}`));
      request.addEventListener('error', () => done('nothing'));
      request.open('POST', `${base}/bridge/call`);
      request.send(call);
    })]),
  };
};
