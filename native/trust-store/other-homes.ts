// The homes that a run as root does not look into: databases, profiles and session variables there are their person's, who alone can be asked.
// Linux. Not for any store.
import { existsSync, readFileSync } from 'node:fs';

export type OtherHome = { readonly user: string; readonly home: string };

/** Every person's home that is there, for root; none for others, who are asked about their own. */
export function otherHomes(): readonly OtherHome[] {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return [];
  return personsIn(readFileSync('/etc/passwd', 'utf8')).filter(({ home }) => existsSync(home));
}

/** How many persons' homes a service's agent, which reads nobody's, leaves out. Linux; elsewhere 0. */
export function homesOutOfSight(): number {
  return process.platform === 'linux' ? personsIn(readFileSync('/etc/passwd', 'utf8')).length : 0;
}

/** The persons of a passwd file: from 1000 on (UID_MIN of login.defs), without `nobody`. Each home once. Pure. */
export function personsIn(passwd: string): readonly OtherHome[] {
  const persons = passwd.split('\n').flatMap((line) => {
    const [user = '', , uid = '', , , home = ''] = line.split(':');
    return /^\d+$/.test(uid) && Number(uid) >= 1000 && Number(uid) !== 65_534 && home.startsWith('/') ? [{ user, home }] : [];
  });
  return persons.filter(({ home }, index) => persons.findIndex((one) => one.home === home) === index);
}
