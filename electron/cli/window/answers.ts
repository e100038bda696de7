// The window server's JSON answers: the same envelopes as the control API.
// Not for pages and streams (serve-window, serve-bridge).
import type { ServerResponse } from 'node:http';
import type { ErrorBody } from '../../contract/errors.ts';
import type { Envelope } from '../../contract/routes.ts';

/** Answers 200 with the data. */
export function answerData(response: ServerResponse, data: unknown): void {
  answer(response, 200, { ok: true, data });
}

/** Answers with an error; the connection ends, since an unread request body may still be on its way. */
export function answerError(response: ServerResponse, status: number, error: ErrorBody): void {
  response.setHeader('connection', 'close');
  answer(response, status, { ok: false, error });
}

/** The same for a person who followed a link: a page with nothing but the words. */
export function answerPage(response: ServerResponse, status: number, words: string): void {
  const shown = words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const body = Buffer.from(`<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Pinlight</title></head><body><main><h1>Pinlight</h1><p>${shown}</p></main></body></html>\n`, 'utf8');
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length, connection: 'close' });
  response.end(body);
}

function answer(response: ServerResponse, status: number, envelope: Envelope<unknown>): void {
  const body = Buffer.from(JSON.stringify(envelope), 'utf8');
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
  response.end(body);
}
