// Programs written in Java, run by Debian's JDK. Each has a folder of classes of its own: folder and class are its identity.
import { X509Certificate } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { javaTrustStore } from './java-trust-store.ts';
import { builtOnce, certificatePin, keyPin, mustRun, runCommand, scriptFile, slug, type Place, type Program, type Trust } from './program.ts';

const okHttpLibraries = ['/usr/share/java/okhttp.jar', '/usr/share/java/okio.jar'];

export const java = {
  url: jvm('Java HttpsURLConnection', 'root', 'UrlFetch', 'none'),
  urlOwnList: jvm('Java HttpsURLConnection with a trust store of its own', 'own-list', 'UrlFetch', 'none'),
  urlPinned: jvm('Java HttpsURLConnection, pin in its trust manager', 'root', 'UrlFetch', 'some'),
  client: jvm('Java HttpClient', 'root', 'ClientFetch', 'none'),
  clientOwnList: jvm('Java HttpClient with a trust store of its own', 'own-list', 'ClientFetch', 'none'),
  clientPinned: jvm('Java HttpClient, pin in its trust manager', 'root', 'ClientFetch', 'some'),
  socketChecked: jvm('Java SSLSocket, check after handshake', 'root', 'SocketFetch', 'some'),
  socketOwnList: jvm('Java SSLSocket with a trust store of its own', 'own-list', 'SocketFetch', 'none'),
  okHttpPinned: jvm('OkHttp, CertificatePinner', 'root', 'OkHttpFetch', 'some'),
  okHttpOwnList: jvm('OkHttp with a trust store of its own', 'own-list', 'OkHttpFetch', 'none'),
} satisfies Record<string, Program>;

function jvm(title: string, trust: Trust, mainClass: string, pins: Program['pins']): Program {
  const okHttp = mainClass === 'OkHttpFetch';
  const ownClasses = (place: Place): string => join(place.folder, slug(title));
  return {
    title, trust, pins, does: 'request', debian: `default-jdk-headless${okHttp ? ' libokhttp-java' : ''}`, needs: ['java', 'javac'],
    ...(okHttp ? { libraries: ['libokhttp-java'] } : {}),
    prepare: async (place) => {
      cpSync(await classes(), ownClasses(place), { recursive: true });
      const roots = trust === 'own-list' ? [place.originsRootFile] : [place.originsRootFile, place.rootFile];
      writeFileSync(storeFile(place, trust), javaTrustStore(roots.map((file) => new X509Certificate(readFileSync(file)).raw)));
    },
    visit: (place, visit) => runCommand('java', [
      // A short life: no second compiler, one collector thread.
      '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `-Djavax.net.ssl.trustStore=${storeFile(place, trust)}`,
      '-cp', [ownClasses(place), ...(okHttp ? okHttpLibraries : [])].join(':'), mainClass,
      String(place.proxyPort), visit.host, pins === 'none' || !visit.pinned ? '-' : okHttp ? keyPin(visit) : certificatePin(visit),
    ]),
  };
}

/** One compiler run for all; without OkHttp its one program is left out. */
function classes(): Promise<string> {
  const sources = readdirSync(scriptFile('')).filter((file) => file.endsWith('.java') && (file !== 'OkHttpFetch.java' || existsSync(okHttpLibraries[0] as string)));
  return builtOnce('javac', sources, (folder, files) => mustRun('javac', ['-proc:none', '-cp', okHttpLibraries.join(':'), '-d', folder, ...files]));
}

const storeFile = (place: Place, trust: Trust): string => join(place.folder, `${trust}.jks`);
