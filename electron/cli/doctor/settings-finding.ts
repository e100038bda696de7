// What the settings that steer programs, and those that protect browsers behind a proxy, come to for the doctor. Values in, a finding out.
// Not for reading them (native/system-proxy). `pinlight steer status` must not say otherwise: both ask isPutBack.
import { isPutBack } from '../../../native/system-proxy/steering.ts';
import type { SteerRow } from '../../../native/system-proxy/steering.ts';
import { counted } from '../phrases.ts';
import { ok, wrong } from './findings.ts';
import type { Finding, SteeringSeen } from './findings.ts';

const titles = { programs: 'Steering', browsers: 'Local network access in browsers' } as const;

/** `seen` null: nothing was ever asked for. `agent`: one answers. */
export function settingsFinding(seen: SteeringSeen | null, whose: keyof typeof titles, agent: boolean): Finding {
  const title = titles[whose];
  const rows = (seen?.rows ?? []).filter((row) => (row.kind === 'browser-policy') === (whose === 'browsers'));
  const wanted = seen?.wanted ?? null;
  if (wanted === null) {
    const left = rows.filter(({ state }) => state === 'steered' || state === 'outdated');
    return left.length === 0 ? ok(`${title}: nothing is asked for, and nothing set.`)
      : wrong(`${title}: nothing is asked for, and still set is ${listed(left)}.`, 'Run `pinlight steer off`, which puts everything back.');
  }
  // Asked for or not, every browser that can get to the proxy needs its policy.
  const asked = whose === 'browsers' ? rows : rows.filter((row) => wanted.settings.includes(row.setting));
  const off = asked.filter(({ state }) => state !== 'steered');
  if (off.length === 0) return ok(`${title}: ${counted(asked.length, 'setting')} as asked.`);
  const waits = !agent && isPutBack(wanted, seen?.rows ?? []);
  if (waits && (whose === 'programs' || off.every(({ state }) => state === 'off'))) return ok(`${title}: put back while the agent is down.`);
  const closed = whose === 'programs' && wanted.failMode === 'closed' ? ' Policy fails closed, and programs go past it there.' : '';
  return wrong(`${title}: not as asked in ${listed(off)}.${closed}`, `${agent ? 'Run' : 'Start the agent and run'} \`pinlight steer on\` again; \`pinlight steer off\` puts everything back.`);
}

function listed(rows: readonly SteerRow[]): string {
  return rows.map((row) => `${row.setting} (${row.state}: ${row.detail})`).join(', ');
}
