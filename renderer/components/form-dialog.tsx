// A dialog that asks for a few things and then does one: fields, a refusal in words, cancel and confirm. Not for what it asks or does.
import { Minus, Plus } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent, ReactNode, Ref } from 'react';
import { Button, Dialog, FieldError, Form, Group, Heading, Input, Label, Modal, ModalOverlay, NumberField } from 'react-aria-components';
import type { ErrorBody } from '../../electron/contract/errors.ts';
import { errorOf } from '../state/error-of.ts';
import { ErrorParagraph } from './error-words.tsx';

type FormDialogProps = {
  readonly title: string;
  readonly confirm: string;
  readonly cancel: string;
  /** Closes the dialog by returning; a rejection is shown and leaves it open. */
  readonly run: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ReactNode;
};

/** Render it only while it is open. */
export function FormDialog({ title, confirm, cancel, run, onClose, children }: FormDialogProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorBody | null>(null);

  async function submit(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await run();
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
            <Heading slot="title" level={2}>{title}</Heading>
            {children}
            <ErrorParagraph error={error} />
            <div className="buttons buttons-end">
              <Button className="button" onPress={onClose} isDisabled={busy}>{cancel}</Button>
              <Button className="button button-main" type="submit" isPending={busy}>{confirm}</Button>
            </div>
          </Form>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

type WholeNumberProps = { readonly label: string; readonly most: number; readonly value: number; readonly onChange: (value: number) => void; readonly inputRef?: Ref<HTMLInputElement> };

/** A number from 1 to `most`, with buttons for one less and one more. */
export function WholeNumber({ label, most, value, onChange, inputRef }: WholeNumberProps) {
  return (
    <NumberField className="field" isRequired minValue={1} maxValue={most} value={value} onChange={onChange}>
      <Label>{label}</Label>
      <Group className="number">
        <Button slot="decrement" className="button icon-button"><Minus aria-hidden size={16} /></Button>
        <Input ref={inputRef} />
        <Button slot="increment" className="button icon-button"><Plus aria-hidden size={16} /></Button>
      </Group>
      <FieldError />
    </NumberField>
  );
}
