// How much waits for a listener who does not read: of a service's user less than of an administrator. Over a real socket: control-server.test.ts.
import { ServerResponse, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { backlogLimit, streamEvents } from '../../../electron/agent/control/event-stream.ts';
import { createEventBus } from '../../../electron/agent/events/event-bus.ts';
import { exclusions, snapshot } from '../../core/diagnostics/device-fixture.ts';

test.each(['user', 'administrator'] as const)('of a %s', (who) => {
  const response = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage);
  const bus = createEventBus();
  // Without a socket every byte waits.
  streamEvents(response, bus, () => ({ ...snapshot, sequence: 0 }), backlogLimit[who]);
  const list = Array.from({ length: 200 }, () => exclusions).flat();
  const line = JSON.stringify(list).length;
  for (let told = 0; told * line < 16 * 1024 * 1024; told += 1) bus.publish({ kind: 'exclusions', exclusions: list });
  expect(response.writableEnded).toBe(true);
  expect(response.writableLength).toBeGreaterThan(backlogLimit[who]);
  expect(response.writableLength).toBeLessThan(backlogLimit[who] + 2 * line + 64 * 1024);
  response.destroy();
});
