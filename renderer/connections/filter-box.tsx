// The box for the filter language, with ready-made filters, help, and the agent's complaint in words.
import { CircleHelp, ListFilter, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button, Dialog, DialogTrigger, Group, Heading, Input, Label, Popover, Text, TextField, ToggleButton } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { visible } from '../format.ts';

type FilterProps = {
  readonly value: string;
  /** Message of the last refusal; null when the filter is in force. */
  readonly problem: string | null;
  readonly onChange: (filter: string) => void;
};

/** Waits until a person pauses in typing; half a word is seldom a valid filter. */
const typingMs = 350;

const ready = [
  { filter: 'disposition:bypass', word: 'filter.bypassed' },
  { filter: 'outcome:refused', word: 'filter.refused' },
  { filter: 'disposition:block', word: 'filter.blocked' },
  { filter: 'since:1h', word: 'filter.lastHour' },
] as const;

const examples = [
  { filter: 'disposition:bypass since:7d', word: 'filter.exampleSince' },
  { filter: 'app contains slack and not host contains edge', word: 'filter.exampleContains' },
  { filter: 'alert:46 or sign:silent-late', word: 'filter.exampleSigns' },
  { filter: 'host:*.example.com bytes > 1000000', word: 'filter.exampleBytes' },
] as const;

/** The whole line: box, chips, help. */
export function FilterBox({ value, problem, onChange }: FilterProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const [sent, setSent] = useState(value);
  if (value !== sent) {
    // Someone else set the filter (a link from a drawer): the box follows.
    setSent(value);
    if (text.trim() !== value) setText(value);
  }
  useEffect(() => {
    if (text.trim() === sent) return;
    const timer = setTimeout(() => { setSent(text.trim()); onChange(text.trim()); }, typingMs);
    return () => clearTimeout(timer);
  }, [text, sent, onChange]);

  function choose(filter: string): void {
    setText(filter);
    setSent(filter);
    onChange(filter);
  }

  return (
    <div className="filter">
      <TextField className="filter-field" type="search" value={text} onChange={setText} isInvalid={problem !== null} spellCheck="false" autoComplete="off">
        <Label className="unseen">{t('filter.label')}</Label>
        <div className="filter-input">
          <ListFilter aria-hidden size={18} />
          <Input
            placeholder={t('filter.placeholder')}
            onKeyDown={(event) => {
              if (event.key === 'Enter') choose(text.trim());
              if (event.key === 'Escape') choose('');
            }}
          />
          {text === '' ? null : <Button className="button icon-button" aria-label={t('filter.clear')} onPress={() => choose('')}><X aria-hidden size={16} /></Button>}
          <Help onChoose={choose} />
        </div>
        <Text slot="errorMessage" className="field-problem">{problem === null ? '' : visible(problem)}</Text>
      </TextField>
      <Group className="chips" aria-label={t('filter.ready')}>
        {ready.map(({ filter, word }) => (
          <ToggleButton key={filter} className="chip" isSelected={text === filter} onChange={(on) => choose(on ? filter : '')}>{t(word)}</ToggleButton>
        ))}
      </Group>
    </div>
  );
}

function Help({ onChoose }: { readonly onChoose: (filter: string) => void }) {
  const { t } = useTranslation();
  return (
    <DialogTrigger>
      <Button className="button icon-button" aria-label={t('filter.help')}><CircleHelp aria-hidden size={18} /></Button>
      <Popover className="popover" placement="bottom end">
        <Dialog className="help">
          {({ close }) => (
            <>
              <Heading slot="title" level={2}>{t('filter.help')}</Heading>
              <p>{t('filter.helpText')}</p>
              <ul className="plain-list">
                {examples.map(({ filter, word }) => (
                  <li key={filter}>
                    <Button className="example" onPress={() => { onChoose(filter); close(); }}>
                      <code className="mono">{filter}</code><span className="muted">{t(word)}</span>
                    </Button>
                  </li>
                ))}
              </ul>
              <p className="muted">{t('filter.fields')}</p>
            </>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
