// Disposition, verdict and outcome as icon plus word: never by colour alone.
import {
  Ban, CircleDashed, CircleDot, CircleHelp, Eye, FileKey2, FolderKey, ListChecks, LogOut, MoveRight, Pin, PlugZap,
  ScrollText, ShieldCheck, ShieldX, TriangleAlert, Unplug, UserRound,
} from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Why } from '../../electron/contract/bypassed-apps.ts';
import { word } from '../../electron/contract/sentences.ts';
import { outcomeSentence } from '../../electron/core/explain.ts';
import type { ConnectionOutcome, Disposition, VerdictKind } from '../../electron/core/model.ts';
import { visible } from '../format.ts';
import { dispositionWord, outcomeWord, verdictWord, whyWord } from '../words.ts';

const dispositionIcon: Readonly<Record<Disposition, LucideIcon>> = { inspect: Eye, bypass: MoveRight, block: Ban };

/** What was done with a connection. */
export function DispositionBadge({ value }: { readonly value: Disposition }) {
  const { t } = useTranslation();
  const Icon = dispositionIcon[value];
  return <span className={`badge tone-${value}`}><Icon aria-hidden size={14} />{t(dispositionWord[value])}</span>;
}

const verdictLook: Readonly<Record<VerdictKind, { icon: LucideIcon; tone: string }>> = {
  inspectable: { icon: ShieldCheck, tone: 'inspect' },
  pinned: { icon: Pin, tone: 'bypass' },
  'private-trust-store': { icon: FolderKey, tone: 'store' },
  'client-certificate': { icon: FileKey2, tone: 'store' },
  incompatible: { icon: Unplug, tone: 'block' },
  undetermined: { icon: CircleHelp, tone: 'quiet' },
};

/** What is thought of an app at a host. */
export function VerdictBadge({ value }: { readonly value: VerdictKind }) {
  const { t } = useTranslation();
  const { icon: Icon, tone } = verdictLook[value];
  return <span className={`badge tone-${tone}`}><Icon aria-hidden size={14} />{t(verdictWord[value])}</span>;
}

const whyLook: Readonly<Record<Why, { icon: LucideIcon; tone: string }>> = {
  pinned: verdictLook.pinned, privateTrustStore: verdictLook['private-trust-store'], clientCertificate: verdictLook['client-certificate'],
  incompatible: verdictLook.incompatible, open: verdictLook.undetermined, policy: { icon: ScrollText, tone: 'bypass' },
  managed: { icon: ScrollText, tone: 'bypass' }, predefined: { icon: ListChecks, tone: 'bypass' }, user: { icon: UserRound, tone: 'bypass' },
};

/** Why an app is let through. */
export function WhyBadge({ value }: { readonly value: Why }) {
  const { t } = useTranslation();
  const { icon: Icon, tone } = whyLook[value];
  return <span className={`badge tone-${tone}`}><Icon aria-hidden size={14} />{t(whyWord[value])}</span>;
}

/** What became of one connection, the whole sentence in the hint; plain text with a mark, because a list is full of them. */
export function OutcomeWord({ value }: { readonly value: ConnectionOutcome | null }) {
  const { t } = useTranslation();
  const Icon = outcomeIcon[value?.kind ?? 'open'];
  const words = t(outcomeWord(value));
  return (
    <span className={`outcome outcome-${value?.kind ?? 'open'}`}>
      <Icon aria-hidden size={14} />
      <span className="clip" title={value === null ? words : visible(word(t, outcomeSentence(value)))}>{words}</span>
    </span>
  );
}

const outcomeIcon: Readonly<Record<ConnectionOutcome['kind'] | 'open', LucideIcon>> = {
  open: CircleDot, established: ShieldCheck, refused: ShieldX, incompatible: Unplug, 'agent-fault': TriangleAlert, upstream: PlugZap,
  blocked: Ban, unused: CircleDashed, abandoned: LogOut, passed: MoveRight, relayed: MoveRight,
};
