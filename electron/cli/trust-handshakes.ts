// The stores verified by the programs that read them: has each visit servers of the agent's, and puts into words what came of it.
// Not for which programs there are (native/trust-store) and not for the servers' certificates, whose keys stay with the agent.
import { randomBytes } from 'node:crypto';
import type { Doctor, DoctorRow } from '../../native/trust-store/doctor.ts';
import type { Door, Doors, Handshake, Met } from '../../native/trust-store/handshakes.ts';
import { PinlightError } from '../contract/errors.ts';
import { createLineSplitter } from '../contract/lines.ts';
import type { HandshakeLine, TrustRoot } from '../contract/routes.ts';
import { exitCodes } from './context.ts';
import type { CliContext } from './context.ts';

/** `why`: why nobody was asked; null = programs were. */
export type Verified = { readonly programs: readonly Handshake[]; readonly why: string | null };

/**
 * Asks about the root in use and the next one. `trusted`: about the next where a store holds it, and a program has to trust both; `gone`: about both
 * everywhere, and a program that trusts either of them trusts. Starts programs; takes some seconds, a minute at most for each browser. Never rejects for
 * want of an agent.
 */
export async function verifyByHandshakes(
  context: CliContext, doctor: Doctor, rows: readonly DoctorRow[], roots: { readonly root: TrustRoot; readonly next: TrustRoot | null }, hope: 'trusted' | 'gone',
): Promise<Verified> {
  const interruption = context.interruption();
  try {
    const now = await ask(context, doctor, rows, 'current', roots.root, interruption);
    const then = roots.next === null ? [] : await ask(context, doctor, hope === 'gone' ? rows : rows.filter(({ holdsNext }) => holdsNext), 'next', roots.next, interruption);
    const counting = (one: Handshake): Handshake => {
      const other = then.find(({ store, program }) => store === one.store && program === one.program);
      return other !== undefined && (hope === 'gone' ? other : one).answer === 'trusts' ? other : one;
    };
    if (!interruption.aborted) return { programs: now.map(counting), why: null };
  } catch (error) {
    if (!interruption.aborted && !(error instanceof PinlightError)) throw error;
    if (error instanceof PinlightError) return { programs: [], why: error.code === 'agent-not-running' ? 'no agent runs here that could serve the check' : error.message };
  }
  context.finish(exitCodes.interrupted);
  return { programs: [], why: 'it was interrupted' };
}

/** The row as its programs see it: one that refuses the root means that the store does not work. */
export function withHandshakes(row: DoctorRow, { programs }: Verified): DoctorRow {
  const own = programs.filter((one) => one.store === row.store);
  if (own.length === 0) return row;
  const refused = own.some((one) => one.answer === 'refuses');
  return { ...row, accepted: refused ? false : row.accepted, detail: [...handshakeWords(own), row.detail].filter((part) => part !== '').join('; ') };
}

/** Who trusts, who refuses and who was not asked, each in one part. */
export function handshakeWords(programs: readonly Handshake[]): readonly string[] {
  const words = (answer: Handshake['answer'], say: (one: Handshake) => string): string => programs.filter((one) => one.answer === answer).map(say).join(', ');
  const named = ({ program, version }: Handshake): string => (version === null ? program : `${program} ${version}`);
  const because = (one: Handshake): string => `${named(one)} (${one.why ?? 'no reason'})`;
  return [
    ['verified by', words('trusts', named)], ['refused by', words('refuses', because)],
    ['accepting any certificate whatever:', words('trusts-anybody', named)], ['not asked:', words('not-asked', because)],
  ].flatMap(([start, list]) => (list === '' ? [] : [`${start} ${list}`]));
}

async function ask(
  context: CliContext, doctor: Doctor, rows: readonly DoctorRow[], which: 'current' | 'next', root: TrustRoot, interruption: AbortSignal,
): Promise<readonly Handshake[]> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, interruption]);
  try {
    return await doctor.handshakes(rows, which, (pairs) => openDoors(context, which, root, pairs, signal), signal);
  } finally {
    over.abort();
  }
}

/** Opens the agent's servers, which last until `signal` aborts. Rejects with PinlightError. */
async function openDoors({ client }: CliContext, which: 'current' | 'next', root: TrustRoot, pairs: number, signal: AbortSignal): Promise<readonly Doors[]> {
  const stream = await client.openHandshakes({ pairs, root: which }, signal);
  const doors = new Map<number, { met: Met; readonly path: string; readonly decide: () => void }>();
  const lines = createLineSplitter();
  return await new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new PinlightError('agent-not-running', why));
    stream.setEncoding('utf8');
    // Its end is ours; programs that are still asked find nobody then.
    stream.on('error', () => fail('The agent ended the check.'));
    stream.on('end', () => fail('The agent ended the check.'));
    stream.on('data', (chunk: string) => {
      for (const text of lines.push(chunk) ?? []) take(parseLine(text));
    });

    function take(line: HandshakeLine): void {
      if (line.kind === 'ready') {
        if (line.root !== root.fingerprint) return reject(new PinlightError('root-unusable', 'The agent that runs here has another root.'));
        return resolve(line.pairs.map(({ own, stranger }) => ({ own: open(own), stranger: open(stranger) })));
      }
      const door = doors.get(line.port);
      if (door === undefined) return;
      switch (line.kind) {
        case 'met': door.met = { ...door.met, connected: true }; return;
        case 'asked':
          // Whoever else finds the port does not know the path.
          if (!line.path.startsWith(door.path)) return;
          door.met = { ...door.met, asked: line.agent };
          return door.decide();
        case 'failed':
          door.met = { ...door.met, failed: line.code };
          // A browser tries on, and Firefox never ends by itself; its alert is its answer.
          if (line.code.includes('_ALERT_')) door.decide();
      }
    }

    function open(port: number): Door {
      const path = `/${randomBytes(12).toString('hex')}`;
      const decided = new Promise<void>((decide) => {
        doors.set(port, { met: { connected: false, asked: null, failed: null }, path, decide });
      });
      return { port, path, decided, met: () => settled(port) };
    }

    /** What the agent saw before this question stands in the stream before its answer. */
    async function settled(port: number): Promise<Met> {
      await client.call('ping', {}, {});
      await new Promise((done) => setImmediate(done));
      return doors.get(port)?.met ?? { connected: false, asked: null, failed: null };
    }
  });
}

/** Both ends derive from HandshakeLine. */
function parseLine(text: string): HandshakeLine {
  return JSON.parse(text) as HandshakeLine;
}
