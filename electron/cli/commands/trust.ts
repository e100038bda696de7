// `pinlight trust status`: this device's root certificate and which trust stores hold it. Reads only.
// Not for putting the root into a store.
import type { Command } from 'commander';
import type { TrustStoreRow } from '../../contract/routes.ts';
import type { CliContext } from '../context.ts';
import { counted, localTime } from '../phrases.ts';
import type { Tone } from '../table.ts';

export function addTrustCommand(program: Command, context: CliContext): void {
  const trust = program.command('trust').description('the root certificate of this device and who trusts it');
  trust.command('status')
    .description('the root and the state of every trust store found')
    .option('--pem', 'print the root certificate itself, nothing else')
    .addHelpText('after', '\nExamples:\n  $ pinlight trust status\n  $ pinlight trust status --pem > pinlight-root.pem\n')
    .action(async (options: { pem?: boolean }) => {
      const answer = await context.client.call('trust', {}, {});
      context.output.data(answer);
      if (context.output.json) return;
      if (options.pem === true) {
        context.output.raw(answer.root.pem.endsWith('\n') ? answer.root.pem : `${answer.root.pem}\n`);
        return;
      }
      const holding = answer.stores.filter((store) => store.state === 'trusted').length;
      context.output.line(`The root of this device is trusted in ${holding} of ${counted(answer.stores.length, 'store')}.`, 'strong');
      context.output.line();
      context.output.line(`Root         ${answer.root.subject}`);
      context.output.line(`Fingerprint  ${answer.root.fingerprint} (SHA-256)`);
      context.output.line(`Valid        ${localTime(answer.root.notBefore)} to ${localTime(answer.root.notAfter)}`);
      context.output.line(`Certificate  ${answer.root.certificatePath}`);
      context.output.line(`Key          ${answer.root.keyProtection}`);
      context.output.line();
      context.output.table(
        [{ title: 'Store' }, { title: 'Kind' }, { title: 'Root' }, { title: 'Where' }, { title: 'Detail' }],
        answer.stores.map((store) => [store.store, store.kind, { text: words[store.state], tone: tones[store.state] }, store.path ?? '-', store.detail]),
      );
    });
}

const words: Readonly<Record<TrustStoreRow['state'], string>> = { trusted: 'trusted', missing: 'missing', unreadable: 'unreadable', 'not-checked': 'not checked' };
const tones: Readonly<Record<TrustStoreRow['state'], Tone>> = { trusted: 'good', missing: 'warn', unreadable: 'bad', 'not-checked': 'dim' };
