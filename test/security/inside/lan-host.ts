// E1 from inside a network namespace: an agent here, a host beside it on a wire of two virtual cards. Prints what was tried as JSON.
// Started by rows/e-addresses.ts through `unshare --net`; nothing of the machine's own network is touched.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { startTestAgent } from '../../support/agent.ts';
import { until } from '../../support/tunnel.ts';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const tried: { what: string; held: boolean; seen: string }[] = [];

ip('link', 'set', 'lo', 'up');
ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
const neighbour = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo ready; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
await once(neighbour.stdout, 'data');
const there = (command: readonly string[]): string[] => ['nsenter', '-t', String(neighbour.pid), '-n', ...command];
const run = (command: readonly string[]): string => execFileSync(command[0] as string, command.slice(1), { encoding: 'utf8', timeout: 60_000 });
ip('link', 'set', 'v1', 'netns', String(neighbour.pid));
ip('addr', 'add', '10.77.0.1/24', 'dev', 'v0');
ip('link', 'set', 'v0', 'up');
run(there(['ip', 'addr', 'add', '10.77.0.2/24', 'dev', 'v1']));
run(there(['ip', 'link', 'set', 'v1', 'up']));

const agent = await startTestAgent({ rules: [] });
try {
  // The wire works: a listener on every address is reached.
  const probe = spawn(process.execPath, ['-e', 'require("net").createServer((s)=>s.end()).listen(7000,"0.0.0.0",()=>console.log("up"))'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(probe.stdout, 'data');
  // The cards need a moment to find each other.
  await until('the wire works', () => connects('10.77.0.1', [7000]) === '7000');
  tried.push({ what: 'a listener on every address is reached, so the check can tell', held: true, seen: '' });
  const listeners = () => [...execFileSync('ss', ['-Htlnp'], { encoding: 'utf8' }).matchAll(/LISTEN +\d+ +\d+ +(\S+) .*pid=(\d+)/g)].filter((match) => Number(match[2]) === agent.pid).map((match) => match[1] ?? '');
  const loopbackOnly = (when: string): void => {
    const seen = listeners();
    tried.push({ what: `${when}: listens on 127.0.0.1 and ::1 alone`, held: seen.length > 0 && seen.every((address) => /^(127\.0\.0\.1|\[::1\]):\d+$/.test(address)), seen: seen.join(' ') });
  };
  const scan = (when: string, address: string): void => {
    const open = connects(address, [agent.proxyPort, 18_443, 443, 80, 3128, 8080, ...Array.from({ length: 200 }, (_, n) => 30_000 + n * 150)]);
    tried.push({ what: `${when}: a neighbour reaches no port at ${address}`, held: open === '', seen: open });
  };
  loopbackOnly('at first');
  scan('at first', '10.77.0.1');
  ip('addr', 'add', '192.168.77.1/24', 'dev', 'v0');
  ip('-6', 'addr', 'add', 'fd77::1/64', 'dev', 'v0', 'nodad');
  run(there(['ip', 'addr', 'add', '192.168.77.2/24', 'dev', 'v1']));
  run(there(['ip', '-6', 'addr', 'add', 'fd77::2/64', 'dev', 'v1', 'nodad']));
  loopbackOnly('after a network change');
  scan('after a network change', '192.168.77.1');
  scan('after a network change', 'fd77::1');
  // Packets to 127.0.0.1 over the wire.
  run(there(['ip', 'link', 'set', 'lo', 'down']));
  run(there(['sh', '-c', 'ip addr del 127.0.0.1/8 dev lo 2>/dev/null; ip route del local 127.0.0.0/8 table local 2>/dev/null; ip route add 127.0.0.1/32 via 10.77.0.1 2>/dev/null; true']));
  scan('with a route to it', '127.0.0.1');
  probe.kill('SIGKILL');
} finally {
  await agent.stop();
  neighbour.kill('SIGKILL');
}
console.log(JSON.stringify(tried));

/** Ports of an address that the neighbour can connect to. */
function connects(address: string, ports: readonly number[]): string {
  const code = `const net=require("net");const open=[];Promise.all(JSON.parse(process.argv[2]).map((p)=>new Promise((d)=>{const s=net.connect({host:process.argv[1],port:p,timeout:1500},()=>{open.push(p);s.destroy();d()});s.on("error",()=>d()).on("timeout",()=>{s.destroy();d()})}))).then(()=>console.log(open.join()))`;
  return run(there([process.execPath, '-e', code, address, JSON.stringify(ports)])).trim();
}
