// The doctor's checks, as a table. Each looks and changes nothing; each wrong finding names what mends it.
// Not for running them (run-doctor.ts) and not for how stores, steering or services are read (native).
import { existsSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { checkDatabase } from '../../../native/database-check/index.ts';
import { readCapture, readWantedCapture } from '../../../native/packet-capture/index.ts';
import { createProcessAttribution } from '../../../native/process-attribution/index.ts';
import { serviceState } from '../../../native/service/index.ts';
import { openSteering, readWanted, wasSteered } from '../../../native/system-proxy/steering.ts';
import { listStores } from '../../../native/trust-store/doctor.ts';
import { locateAgent, pathsOfThisProcess } from '../../client/state-folder.ts';
import { lastCallMs } from '../../core/ca/rotation.ts';
import { adviceHere, PinlightError } from '../../contract/errors.ts';
import { placeOf } from '../../core/policy/policy.ts';
import { counted } from '../phrases.ts';
import { whatResumes, whyUnheard } from '../capture-listener.ts';
import { servicePrograms } from '../own-program.ts';
import { ok, unknown, wrong } from './findings.ts';
import type { DoctorContext, DoctorInputs, Finding, NamedCheck, SteeringSeen } from './findings.ts';
import { askProxy, lookAtServer } from './probe.ts';
import { settingsFinding } from './settings-finding.ts';

const defaultPort = 18443;
/** History, log and a new root want some room; below this the next night's log may fill it. */
const leastFreeBytes = 200 * 1024 * 1024;
const dayMs = 24 * 3600_000;

export const doctorChecks: readonly NamedCheck[] = [
  { name: 'agent', run: checkAgent },
  { name: 'service', run: checkService },
  { name: 'proxy', run: checkProxy },
  { name: 'port', run: checkPort },
  { name: 'root', run: checkRoot },
  { name: 'stores', run: checkStores },
  { name: 'key', run: checkKey },
  { name: 'policy', run: checkPolicy },
  { name: 'steering', run: (context) => checkSettings(context, 'programs') },
  // Behind a loopback proxy a page could reach this device's own services, unless browsers are told what the address is.
  { name: 'browsers', run: (context) => checkSettings(context, 'browsers') },
  { name: 'capture', run: checkCapture },
  { name: 'clock', run: (context) => Promise.resolve(checkClock(context)) },
  { name: 'disk', run: checkDisk },
  { name: 'database', run: () => Promise.resolve(checkHistory()) },
  { name: 'internet', run: checkInternet },
];

/** One check for each condition that the agent itself warns of; broken policy files have theirs. */
export async function warningChecks(context: DoctorContext): Promise<readonly NamedCheck[]> {
  const snapshot = await context.snapshot().catch(() => null);
  return (snapshot?.warnings ?? []).filter(({ code }) => code !== 'policy-invalid').map((warning) => ({
    name: warning.code,
    run: () => Promise.resolve<Finding>(warning.severity === 'notice' ? ok(`${warning.title}. ${warning.text}`) : wrong(`${warning.title}. ${warning.text}`, warning.advice)),
  }));
}

async function checkAgent(context: DoctorContext): Promise<Finding> {
  const snapshot = await context.snapshot();
  if (snapshot === null) return wrong('No agent answers.', adviceHere(new PinlightError('agent-not-running', ''), context.command));
  const { version, pid } = snapshot.agent;
  return version === context.version ? ok(`Version ${version} answers, process ${pid}.`)
    : wrong(`The agent is version ${version}, this program ${context.version}.`, 'End the agent with `pinlight stop` and start it again.');
}

async function checkService(context: DoctorContext): Promise<Finding> {
  const state = await serviceState({ stateFolder: pathsOfThisProcess(false).stateFolder, home: context.home, env: context.env, programs: servicePrograms() });
  if (!state.installed) return ok('There is no service: the agent runs as long as who started it.');
  return state.running ? ok(`The service runs (${state.detail}).`) : wrong(`The service is installed and does not run (${state.detail}).`, 'Start it: `pinlight service install` does, and says why when it cannot.');
}

async function portOf(context: DoctorContext): Promise<number> {
  const address = (await context.snapshot())?.agent.proxy[0];
  return address === undefined ? defaultPort : Number(address.slice(address.lastIndexOf(':') + 1));
}

async function checkProxy(context: DoctorContext): Promise<Finding> {
  if (await context.snapshot() === null) return unknown('No agent answers, so no proxy of its is there.');
  const port = await portOf(context);
  const code = await askProxy(port);
  return code === null ? wrong(`Port ${port} does not answer CONNECT.`, 'Restart the agent; if it stays so, `pinlight bundle` collects what support needs.') : ok(`127.0.0.1:${port} answers CONNECT.`);
}

async function checkPort(context: DoctorContext): Promise<Finding> {
  const snapshot = await context.snapshot();
  const port = await portOf(context);
  const attribution = createProcessAttribution();
  const owner = attribution.listenerOf(port);
  attribution.close();
  if (owner.kind !== 'process') {
    if (owner.why !== 'gone') return unknown(`Who holds port ${port} cannot be told (${owner.why}).`);
    return snapshot === null ? ok(`Port ${port} is free.`) : wrong(`Nobody listens on port ${port}.`, 'Restart the agent.');
  }
  if (owner.pid === snapshot?.agent.pid) return ok(`Port ${port} is the agent's.`);
  return wrong(`Port ${port} is held by ${owner.path} (process ${owner.pid}).`, 'End that program, or set `network.port` in the policy.');
}

/** The certificate in use, by the agent's own folder, else by the caller's; null where none can be read. */
function rootFile(): string | null {
  return [locateAgent().stateFolder, ...[false, true].map((service) => pathsOfThisProcess(service).stateFolder)].map((folder) => join(folder, 'root.pem')).find((file) => existsSync(file)) ?? null;
}

async function rootOf(context: DoctorContext): Promise<X509Certificate | null> {
  const file = rootFile();
  if (file !== null) return new X509Certificate(readFileSync(file));
  // A service's folder is closed to its users: the agent shows the certificate, and reads every store on the way.
  const shown = await context.client.call('trust', {}, {}).then(({ root }) => root.pem, () => '');
  return shown === '' ? null : new X509Certificate(shown);
}

async function checkRoot(context: DoctorContext): Promise<Finding> {
  const root = await rootOf(context);
  if (root === null) return unknown('There is no root yet: the agent makes one at its first start.');
  const [from, to] = [Date.parse(root.validFrom), Date.parse(root.validTo)];
  const end = new Date(to).toISOString().slice(0, 10);
  if (context.now() < from) return wrong(`The root begins only on ${new Date(from).toISOString().slice(0, 10)}.`, 'Set this device\'s clock right.');
  if (context.now() > to) return wrong(`The root ended on ${end}.`, 'Start the agent, which makes a new one; then `pinlight trust install`.');
  if (to - context.now() < lastCallMs) return wrong(`The root ends on ${end}.`, 'Run `pinlight trust install`, which puts the next one where this one is.');
  return ok(`The root is valid until ${end} (${Math.floor((to - context.now()) / dayMs)} days).`);
}

async function checkStores(context: DoctorContext): Promise<Finding> {
  const root = await rootOf(context);
  if (root === null) return unknown('There is no root to look for.');
  const rows = await listStores({ stateFolder: pathsOfThisProcess(false).stateFolder, home: context.home, env: context.env, root: root.raw });
  const looked = rows.filter((row) => row.state !== 'not-checked');
  const names = (state: string): string => looked.filter((row) => row.state === state).map((row) => row.store).join(', ');
  const unread = names('unreadable') === '' ? '' : ` Not readable: ${names('unreadable')}.`;
  const missing = names('missing');
  return missing === '' ? ok(`Every store that can be read trusts the root (${looked.length - looked.filter((row) => row.state === 'unreadable').length}).${unread}`)
    : wrong(`The root is missing in ${missing}.${unread}`, 'Run `pinlight trust install`; programs that read these stores refuse inspection until then.');
}

async function checkKey(context: DoctorContext): Promise<Finding> {
  const file = rootFile();
  if (file === null) return unknown('There is no key yet, or its folder is closed to this user, as it should be for a service.');
  if (process.platform === 'win32') return ok('The key is sealed by Windows; file modes say nothing there.');
  const [folder, key] = [statSync(join(file, '..')), statSync(join(file, '..', 'root.key'), { throwIfNoEntry: false })];
  if (key === undefined) return wrong('The root\'s key is missing.', 'Restore it, or remove root.pem as well to have a new root made.');
  if ((key.mode & 0o077) !== 0 || (folder.mode & 0o077) !== 0) return wrong(`The key or its folder is open to others (${(key.mode & 0o777).toString(8)} in ${(folder.mode & 0o777).toString(8)}).`, `Close them: chmod 700 ${join(file, '..')} and chmod 600 ${join(file, '..', 'root.key')}.`);
  if (key.uid !== folder.uid) return wrong('The key belongs to another account than its folder.', 'Give both to the account that runs the agent.');
  const root = (await context.snapshot())?.agent.root;
  return ok(`The key is 0600 in 0700, of one account${root === undefined || root.fingerprint === '' ? '' : `; ${root.keyProtection}`}.`);
}

async function checkPolicy(context: DoctorContext): Promise<Finding> {
  if (await context.snapshot() === null) return unknown('No agent answers; `pinlight policy check FILE` needs none.');
  const { policy, problems, files } = await context.client.call('policy', {}, {});
  const [first] = problems;
  if (first !== undefined) return wrong(`${placeOf(first)}: ${first.message}.`, 'Correct the file; `pinlight policy check FILE` names every problem.');
  return ok(`${counted(policy.rules.length, 'rule')} in force, ${files.length === 0 ? 'embedded' : `from ${files.join(', ')}`}.`);
}

/** Nothing is opened where nothing was ever asked for. Throws PinlightError. */
export async function readSettings({ home, env, now }: DoctorInputs): Promise<SteeringSeen | null> {
  const { stateFolder } = pathsOfThisProcess(false);
  if (readWanted(stateFolder) === null && !wasSteered(stateFolder)) return null;
  const opened = await openSteering({ stateFolder, home, env, only: [], now });
  if (opened.kind !== 'steering') throw new PinlightError('steering-busy', `${opened.why}.`);
  try {
    return { wanted: opened.steering.wanted(), rows: await opened.steering.status() };
  } finally {
    opened.steering.close();
  }
}

async function checkSettings(context: DoctorContext, whose: 'programs' | 'browsers'): Promise<Finding> {
  return settingsFinding(await context.settings(), whose, await context.snapshot() !== null);
}

async function checkCapture(context: DoctorContext): Promise<Finding> {
  if (process.platform !== 'linux') return ok('Capture exists on Linux only.');
  const state = await readCapture(context.env);
  switch (state.kind) {
    case 'off': {
      if (readWantedCapture() === null) return ok('No connection is captured.');
      const { waits, words } = await whatResumes();
      return waits ? ok(`Nothing is captured while no agent is there; it is asked for. ${words}`) : wrong('Capture is asked for, and its rules are not there.', words);
    }
    case 'on': {
      const why = whyUnheard(state.settings);
      if (why === null) return ok('Connections of chosen users are captured.');
      const start = state.settings.listenerPort === null ? (await whatResumes()).words : 'Start the agent.';
      return wrong(`Connections of chosen users are captured. ${why}`, `${start} \`pinlight capture off\` as root ends it.`);
    }
    case 'foreign': return wrong('There is a table "inet pinlight" that is not as Pinlight makes it.', 'Run `pinlight capture off` as root.');
    case 'unreadable': return unknown(`The kernel's rules cannot be read here (${state.why}).`);
  }
}

function checkClock(context: DoctorContext): Finding {
  const file = rootFile();
  const made = file === null ? null : statSync(file).mtimeMs;
  if (made !== null && context.now() < made - dayMs) return wrong(`The clock is before the day on which the root was made (${new Date(made).toISOString().slice(0, 10)}).`, 'Set this device\'s clock right: certificates are judged by it.');
  return ok(`The clock says ${new Date(context.now()).toISOString().slice(0, 16).replace('T', ' ')} UTC.`);
}

async function checkDisk(): Promise<Finding> {
  const folder = locateAgent().stateFolder;
  if (!existsSync(folder)) return ok('There is no state folder yet.');
  const { bavail, bsize } = await statfs(folder);
  const megabytes = Math.floor(bavail * bsize / 1024 / 1024);
  return bavail * bsize < leastFreeBytes ? wrong(`${megabytes} MB are free for ${folder}.`, 'Free space there: history is dropped when none is left.') : ok(`${megabytes} MB are free for ${folder}.`);
}

function checkHistory(): Finding {
  const file = join(locateAgent().stateFolder, 'pinlight.db');
  const state = checkDatabase(file);
  switch (state.kind) {
    case 'whole': return ok('The history is whole.');
    case 'absent': return ok('There is no history yet.');
    case 'damaged': return wrong(`The history is damaged (${state.why}).`, 'Restart the agent: it sets the file aside and begins a new one.');
    case 'not-read': return unknown(`The history was not read: ${state.why}.`);
  }
}

/** A server is reached past the proxy, and who vouches for it is looked at: a second interceptor would show here. */
async function checkInternet(context: DoctorContext): Promise<Finding> {
  const recent = (await context.snapshot())?.recent.find((row) => row.error === null && row.ip !== null && row.port === 443);
  const [host, port] = context.probe === null ? [recent?.host, 443] : [context.probe.replace(/:\d+$/, ''), Number(/:(\d+)$/.exec(context.probe)?.[1] ?? 443)];
  if (host === undefined) return unknown('No server was reached yet; `pinlight doctor --probe NAME` tries one.');
  const look = await lookAtServer(host, port);
  switch (look.kind) {
    case 'public': return ok(`${host} is reached, and a public authority vouches for it: nobody else inspects on the way.`);
    case 'unreachable': return wrong(`${host} cannot be reached without the proxy (${look.why}).`, 'Mend the network first; behind a proxy of your organisation name it in the policy (`network.upstreamProxy`).');
    case 'private': case 'untrusted':
      if (/O=Pinlight\b/.test(look.by)) return ok(`${host} is reached through Pinlight's own capture.`);
      return look.kind === 'private' ? wrong(`Only this device's own list vouches for ${host} (${look.by}): it is a server of your organisation, or somebody else inspects on the way.`, 'Where two inspect, let one: bypass in the policy what the other does.')
        : wrong(`Nobody this device trusts vouches for ${host} (${look.by}).`, 'A captive portal has to be signed in to; otherwise do not trust this network.');
  }
}
