// Asks why and for how long one host of an app shall be let through, then adds the exclusion.
import { useEffect, useRef, useState } from 'react';
import { FieldError, Input, Label, Text, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { AppSummary } from '../../electron/contract/snapshot.ts';
import { Foreign } from '../components/foreign.tsx';
import { FormDialog, WholeNumber } from '../components/form-dialog.tsx';
import { visible } from '../format.ts';
import { useBridge } from '../state/services.tsx';
import { addToast } from '../state/ui-store.ts';

/** A working day; longer ones are the administrator's business but stay possible. */
const usualHours = 8;
/** Thirty days: what must last longer belongs into the policy. */
const mostHours = 720;

type ExcludeProps = { readonly app: AppSummary; readonly host: string; readonly onClose: () => void };

/** The dialog; render it only while it is open. */
export function ExcludeDialog({ app, host, onClose }: ExcludeProps) {
  const { t } = useTranslation();
  const bridge = useBridge();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(usualHours);

  async function add(): Promise<void> {
    await bridge.call('addExclusion', {}, { host, app: app.id, reason: reason.trim(), hours });
    addToast({ text: t('exclude.done', { host: visible(host), count: hours }), tone: 'done', action: null });
  }

  return (
    <FormDialog title={t('exclude.title')} confirm={t('exclude.confirm')} cancel={t('exclude.cancel')} run={add} onClose={onClose}>
      <p>
        <Foreign className="strong" text={app.name} /> <span className="muted">{t('exclude.at')}</span> <Foreign mono text={host} />
      </p>
      <p className="muted">{t('exclude.meaning')}</p>
      <TextField className="field" isRequired maxLength={200} value={reason} onChange={setReason}>
        <Label>{t('exclude.reason')}</Label>
        <Input ref={first} />
        <Text slot="description">{t('exclude.reasonHint')}</Text>
        <FieldError />
      </TextField>
      <WholeNumber label={t('exclude.hours')} most={mostHours} value={hours} onChange={setHours} />
    </FormDialog>
  );
}
