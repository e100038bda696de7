// Which keystore a Java process reads. Pure. Not for opening it: holds-root.ts does that.
import type { ProcessView, StoreChoice } from './store-of-process.ts';

/** Keystore by system property, else the JDK's own. Order of the JVM: _JAVA_OPTIONS, command line, JDK_JAVA_OPTIONS, JAVA_TOOL_OPTIONS. */
export function javaStore(view: ProcessView): StoreChoice {
  const base = { untellable: false, loadsOnce: true, alternative: null };
  const password = property(view, 'javax.net.ssl.trustStorePassword')?.value;
  const named = property(view, 'javax.net.ssl.trustStore');
  if (named !== null && named.value !== '') {
    return { ...base, store: `java:${named.value}`, places: [{ form: 'keystore', firstOf: [named.value], password }], because: `${named.source} names it` };
  }
  const home = javaHome(view.path);
  const firstOf = ['jssecacerts', 'cacerts'].flatMap((file) => [`${home}/lib/security/${file}`, `${home}/jre/lib/security/${file}`]);
  return { ...base, store: `java:${home}`, places: [{ form: 'keystore', firstOf }], because: 'javax.net.ssl.trustStore is not set' };
}

/** Folder of the JDK from the real path of its `java`. */
export function javaHome(executable: string): string {
  return executable.replace(/\/bin\/[^/]+$/, '');
}

function property(view: ProcessView, name: string): { readonly value: string; readonly source: string } | null {
  const sources: readonly (readonly [string, readonly string[]])[] = [
    ['_JAVA_OPTIONS', words(view.env.get('_JAVA_OPTIONS'))],
    ['the command line', view.options],
    ['JDK_JAVA_OPTIONS', words(view.env.get('JDK_JAVA_OPTIONS'))],
    ['JAVA_TOOL_OPTIONS', words(view.env.get('JAVA_TOOL_OPTIONS'))],
  ];
  for (const [source, options] of sources) {
    const found = options.findLast((one) => one.startsWith(`-D${name}=`));
    if (found !== undefined) return { value: found.slice(name.length + 3), source };
  }
  return null;
}

// The variables quote with ' or ", the quotes are not part of the value.
function words(text: string | undefined): string[] {
  return ((text ?? '').match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
