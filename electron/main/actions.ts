// What a click in the tray menu does: a call to the agent, the clipboard, a dialog, the window. A failure is told, never swallowed.
// Not for which clicks there are (tray-model) or for the parts themselves (app.ts hands them in).
import { app, clipboard, dialog } from 'electron';
import type { ControlClient } from '../client/control-client.ts';
import { errorBody } from '../contract/errors.ts';
import type { ErrorBody } from '../contract/errors.ts';
import type { NotificationKind } from '../contract/notification-kinds.ts';
import { asTyped } from '../contract/own-command.ts';
import type { OwnCommand } from '../contract/own-command.ts';
import type { TrustAnswer } from '../contract/routes.ts';
import { adviceWords, faultWords, messageBeside } from '../contract/sentences.ts';
import type { WindowPlace } from '../contract/window-place.ts';
import type { SupervisionStep } from './agent-supervision.ts';
import type { BundleWork } from './bundle-work.ts';
import { openHelpLink } from './help-link.ts';
import type { TrayAction } from './tray-items.ts';
import type { Words } from './words.ts';

export type ActionParts = {
  readonly client: Pick<ControlClient, 'call'>;
  readonly words: Words;
  /** How `pinlight` is typed for this copy. */
  readonly command: OwnCommand;
  readonly openWindow: (place: WindowPlace | null) => void;
  readonly bundle: Pick<BundleWork, 'cancel'>;
  readonly startAgent: () => void;
  readonly restartAgent: () => Promise<void>;
  readonly checkTrust: () => Promise<TrustAnswer>;
  /** Null = all are to be heard of again. */
  readonly silence: (app: string | null) => void;
  readonly silenceKinds: (kinds: readonly NotificationKind[]) => void;
  readonly openAtLogin: (on: boolean) => void;
  /** The policy's own link, as it stands now. */
  readonly helpLink: () => string | null;
};

/** The one listener of the menu. */
export function createActions(parts: ActionParts): (action: TrayAction) => void {
  const { client, words } = parts;

  async function run(action: TrayAction): Promise<void> {
    switch (action.kind) {
      case 'copy': return clipboard.writeText(action.text);
      case 'open-window': return parts.openWindow(action.place);
      case 'open-link': return openHelpLink(action.url, parts.helpLink());
      case 'cancel-bundle': return parts.bundle.cancel();
      case 'start-agent': return parts.startAgent();
      case 'restart-agent': return parts.restartAgent();
      case 'pause': return void await client.call('pause', {}, { minutes: action.minutes });
      case 'resume': return void await client.call('resume', {}, {});
      case 'reload-policy': return void await client.call('reloadPolicy', {}, {});
      case 'log-level': return void await client.call('logLevel', {}, { level: action.level });
      case 'check-trust': return showTrust(await parts.checkTrust(), words);
      case 'silence': return parts.silence(action.app);
      case 'silence-kinds': return parts.silenceKinds(action.kinds);
      case 'reset-silenced': return parts.silence(null);
      case 'open-at-login': return parts.openAtLogin(action.on);
      case 'about': return app.showAboutPanel();
      case 'close-icon': return app.quit();
    }
  }

  return (action) => {
    run(action).catch((thrown: unknown) => {
      dialog.showErrorBox(words('dialog.failed'), errorText(errorBody(thrown), words, parts.command));
    });
  };
}

/** What it is, the agent's own words where they say more, what to do. */
export function errorText(error: ErrorBody, { translate }: Words, command: OwnCommand): string {
  return [faultWords(translate, error), messageBeside(translate, error) ?? '', asTyped(adviceWords(translate, error, command), command)].filter((line) => line !== '').join('\n');
}

/** Why no agent could be started. */
export function startTrouble(trouble: NonNullable<SupervisionStep['tell']>, words: Words): string {
  switch (trouble.kind) {
    case 'missing': return words('dialog.agentMissing', { file: trouble.file });
    case 'refused': return words('dialog.agentRefused', { message: trouble.message });
    case 'unanswered': return words('dialog.agentUnanswered', { count: trouble.attempts });
  }
}

async function showTrust({ root, stores }: TrustAnswer, words: Words): Promise<void> {
  const lines = stores.map(({ store, state }) => `${store}: ${words(`trust.${state}`)}`);
  await dialog.showMessageBox({ type: 'info', message: words('dialog.trust'), detail: [root.fingerprint, '', ...lines].join('\n') });
}
