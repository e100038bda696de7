// The text of the systemd units. Pure. Not for installing them: systemd.ts.
import { credentialName } from '../secret-store/linux.ts';
import type { ServiceProgram } from './service.ts';

export const serviceName = 'pinlight.service';
export const bootServiceName = 'pinlight-boot.service';
/** The service's own account: not root, no login. */
export const account = 'pinlight';
/** The wrapping key of the root key, sealed by systemd-creds; written at the first installation and kept as long as the key. */
export const credentialFile = `/etc/credstore.encrypted/${credentialName}`;

/**
 * The machine's service: an account of its own that may look at every process (CAP_SYS_PTRACE tells whose socket it is) and change nothing
 * but its two folders. V8 makes code at run time, so memory may be written and executed. Homes are readable: programs live there, and
 * browsers' lists of authorities.
 */
export function systemUnit(program: ServiceProgram, sealed: boolean): string {
  return unit('Pinlight: inspects TLS as this device\'s policy says', 'multi-user.target', [
    `User=${account}`, `Group=${account}`,
    ...exec(program), ...captureLines(program),
    'StateDirectory=pinlight', 'StateDirectoryMode=0700', 'RuntimeDirectory=pinlight', 'RuntimeDirectoryMode=0755',
    ...(sealed ? [`LoadCredentialEncrypted=${credentialName}:${credentialFile}`] : []),
    'AmbientCapabilities=CAP_SYS_PTRACE', 'CapabilityBoundingSet=CAP_SYS_PTRACE',
    'ProtectSystem=strict', 'ProtectHome=read-only', 'PrivateTmp=yes', 'PrivateDevices=yes', 'DevicePolicy=closed',
    'ProtectKernelTunables=yes', 'ProtectKernelModules=yes', 'ProtectKernelLogs=yes', 'ProtectControlGroups=yes', 'ProtectClock=yes', 'ProtectHostname=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK', 'RestrictNamespaces=yes', 'RemoveIPC=yes', 'KeyringMode=private',
    'SystemCallFilter=@system-service', 'SystemCallErrorNumber=EPERM',
    'LimitNOFILE=65536',
    // ExecStartPost waits as long as the watchdog waits for the agent (contract/agent-arguments.ts), and a manager may have less than that by default.
    'TimeoutStartSec=90',
    ...everywhere,
  ], [`Also=${bootServiceName}`]);
}

/**
 * Before anybody can log in: refusals for captured users where policy fails closed. Of its own, because logins would wait for all of the
 * machine's service, ExecStartPost included; this takes a second, may fail, and is given up after 15.
 * Once a boot (RemainAfterExit): later it would take rules from under an agent that runs.
 */
export function bootUnit({ file, cli }: ServiceProgram): string {
  return unit('Pinlight: what holds for captured users until its agent is there', 'multi-user.target', [
    'Type=oneshot', 'RemainAfterExit=yes', `ExecStart=-${[file, cli, 'capture', 'release'].map(unitWord).join(' ')}`, 'TimeoutStartSec=15', ...everywhere,
  ], [], [`Before=systemd-user-sessions.service ${serviceName}`]);
}

const afterNetwork: readonly string[] = ['After=network.target', 'StartLimitIntervalSec=60', 'StartLimitBurst=5'];

/** A person's own: what a user's manager can enforce without rights. */
export function userUnit(program: ServiceProgram): string {
  return unit('Pinlight: inspects TLS as this user\'s policy says', 'default.target', [...exec(program), ...everywhere]);
}

const everywhere = [
  'NoNewPrivileges=yes', 'LockPersonality=yes', 'RestrictRealtime=yes', 'RestrictSUIDSGID=yes', 'SystemCallArchitectures=native', 'UMask=0077', 'LimitCORE=0',
];

function exec(program: ServiceProgram): readonly string[] {
  return [
    'Type=exec', `ExecStart=${[program.file, ...program.args].map(unitWord).join(' ')}`, `WorkingDirectory=${program.folder.replaceAll('%', '%%')}`,
    // The watchdog restarts the agent; this is for the watchdog itself. It has 20 s to end: 15 for the agent, and its own.
    // Exit code 69: it gave up on an agent that crashes again and again (contract/agent-arguments.ts).
    'Restart=on-failure', 'RestartSec=2', 'RestartPreventExitStatus=69', 'TimeoutStopSec=20', 'KillMode=mixed',
  ];
}

function unit(description: string, wantedBy: string, service: readonly string[], install: readonly string[] = [], order = afterNetwork): string {
  return [
    '# Written by `pinlight service install`; `pinlight service remove` takes it away.',
    '[Unit]', `Description=${description}`, ...order, '',
    '[Service]', ...service, '',
    '[Install]', `WantedBy=${wantedBy}`, ...install, '',
  ].join('\n');
}

/**
 * Captured connections while the agent is away, as policy says, and again when it is there; run as root (`+`), and no reason to fail (`-`).
 * Before the start for a device that fails closed, and after any end, whoever killed what. Not before a stop: rules that go while the agent
 * answers leave its users' open connections without an end, because nobody translates addresses any more (measured: the app waits until its own timeout).
 */
function captureLines({ file, cli }: ServiceProgram): readonly string[] {
  const [release, resume] = ['release', 'resume'].map((verb) => `-+${[file, cli, 'capture', verb].map(unitWord).join(' ')}`);
  return [`ExecStartPre=${release}`, `ExecStartPost=${resume}`, `ExecStopPost=${release}`];
}

/** Whether a unit of this text, of this or an earlier version, looks after captured connections. */
export function releasesCapture(text: string): boolean {
  return /^ExecStopPost=.* capture release$/m.test(text);
}

/** One word of an ExecStart line: specifiers and variables are taken literally (systemd.service(5), "COMMAND LINES"). */
function unitWord(word: string): string {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./:=@%$+-]+$/.test(literal) ? literal : `"${literal.replace(/["\\]/g, '\\$&')}"`;
}
