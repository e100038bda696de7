// "Is host X in here?" of an opened bundle; with hidden names, by the key that was given beside it. Not for the search (core/diagnostics/ask-bundle).
import { Search } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { Button, Form, Input, Label, Radio, RadioGroup, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { askBundle } from '../../electron/core/diagnostics/ask-bundle.ts';
import type { NameAnswer } from '../../electron/core/diagnostics/ask-bundle.ts';
import { nameKinds } from '../../electron/core/diagnostics/pseudonyms.ts';
import type { NameKind } from '../../electron/core/diagnostics/pseudonyms.ts';
import type { OpenedBundle } from '../../electron/core/diagnostics/read-bundle.ts';
import { Foreign } from '../components/foreign.tsx';
import { count } from '../format.ts';
import { browserHmac } from './browser-tools.ts';

const kindWord = { host: 'who.kindHost', address: 'who.kindAddress', user: 'who.kindUser', device: 'who.kindDevice' } as const satisfies Record<NameKind, string>;

/** Question and answer. */
export function NameSearch({ bundle }: { readonly bundle: OpenedBundle }) {
  const { t } = useTranslation();
  const hidden = bundle.manifest.names.kind !== 'shown';
  const [kind, setKind] = useState<NameKind>('host');
  const [name, setName] = useState('');
  const [key, setKey] = useState('');
  const [told, setTold] = useState<{ readonly name: string; readonly answer: NameAnswer } | null>(null);

  function onSubmit(event: FormEvent): void {
    event.preventDefault();
    void askBundle(bundle, { kind, name, key }, browserHmac).then((answer) => setTold({ name: name.trim(), answer }));
  }

  return (
    <>
      <h3>{t('who.title')}</h3>
      <Form className="name-search" onSubmit={onSubmit}>
        {hidden ? (
          <RadioGroup className="name-kinds" value={kind} onChange={(value) => setKind(nameKinds.find((one) => one === value) ?? 'host')} aria-label={t('who.kind')}>
            {nameKinds.map((one) => <Radio key={one} value={one} className="choice">{t(kindWord[one])}</Radio>)}
          </RadioGroup>
        ) : null}
        <TextField className="field" isRequired value={name} onChange={setName}><Label>{t('who.name')}</Label><Input autoComplete="off" spellCheck={false} /></TextField>
        {hidden ? <TextField className="field" isRequired value={key} onChange={setKey}><Label>{t('who.key')}</Label><Input autoComplete="off" spellCheck={false} /></TextField> : null}
        <Button className="button" type="submit"><Search aria-hidden size={16} />{t('who.ask')}</Button>
      </Form>
      <output>{told === null ? null : <Told name={told.name} answer={told.answer} hidden={hidden} />}</output>
    </>
  );
}

function Told({ name, answer, hidden }: { readonly name: string; readonly answer: NameAnswer; readonly hidden: boolean }) {
  const { t } = useTranslation();
  if (answer.kind === 'wrong-key') return <p className="field-problem">{t('who.wrongKey')}</p>;
  const { mark, found } = answer;
  return (
    <>
      <p><Foreign mono className="strong" text={name} /> {t(found.length === 0 ? 'who.absent' : 'who.present')}{hidden ? <> {t('who.markedAs')} <Foreign mono text={mark} /></> : null}</p>
      {found.length === 0 ? null : <ul className="plain-list">{found.map(({ file, times }) => <li key={file}><Foreign mono text={file} />: {t('who.times', { count: times, number: count(times) })}</li>)}</ul>}
    </>
  );
}
