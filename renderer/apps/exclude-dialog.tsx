// Asks why and for how long one host of an app shall be let through, then adds the exclusion.
import { useEffect, useRef, useState } from 'react';
import type { FormEvent } from 'react';
import {
  Button, Dialog, FieldError, Form, Group, Heading, Input, Label, Modal, ModalOverlay, NumberField, Text, TextField,
} from 'react-aria-components';
import { Minus, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import type { AppSummary } from '../../electron/contract/snapshot.ts';
import { Foreign } from '../components/foreign.tsx';
import { Prose } from '../components/prose.tsx';
import { visible } from '../format.ts';
import { errorOf } from '../state/error-of.ts';
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
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorBody | null>(null);

  async function submit(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await bridge.call('addExclusion', {}, { host, app: app.id, reason: reason.trim(), hours });
      addToast({ text: t('exclude.done', { host: visible(host), count: hours }), tone: 'done', action: null });
      onClose();
    } catch (thrown) {
      setError(errorOf(thrown));
      setBusy(false);
    }
  }

  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    void submit();
  }

  return (
    <ModalOverlay className="veil veil-center" isOpen isDismissable={!busy} onOpenChange={(open) => { if (!open) onClose(); }}>
      <Modal className="dialog">
        <Dialog>
          <Form className="form" onSubmit={onSubmit}>
            <Heading slot="title" level={2}>{t('exclude.title')}</Heading>
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
            <NumberField className="field" isRequired minValue={1} maxValue={mostHours} value={hours} onChange={setHours}>
              <Label>{t('exclude.hours')}</Label>
              <Group className="number">
                <Button slot="decrement" className="button icon-button"><Minus aria-hidden size={16} /></Button>
                <Input />
                <Button slot="increment" className="button icon-button"><Plus aria-hidden size={16} /></Button>
              </Group>
              <FieldError />
            </NumberField>
            {error === null ? null : <p className="field-problem" role="alert"><Prose text={error.message} /> <Prose text={error.advice} /></p>}
            <div className="buttons buttons-end">
              <Button className="button" onPress={onClose} isDisabled={busy}>{t('exclude.cancel')}</Button>
              <Button className="button button-main" type="submit" isPending={busy}>{t('exclude.confirm')}</Button>
            </div>
          </Form>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
