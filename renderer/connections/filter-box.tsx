// The box for the filter language: what may come next, what is wrong and where, the parts of the filter as chips, saved filters.
// Reads filters with the agent's own parser, so a complaint needs no question. Not for running them (feed.ts).
import { Bookmark, BookmarkPlus, CircleHelp, ListFilter, X } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { Autocomplete, Button, Dialog, DialogTrigger, Group, Heading, Input, Label, ListBox, ListBoxItem, Popover, Tag, TagGroup, TagList, Text, TextField, ToggleButton } from 'react-aria-components';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { helpWords, word } from '../../electron/contract/sentences.ts';
import { fields } from '../../electron/core/log-query/fields.ts';
import { formatFilter } from '../../electron/core/log-query/format-filter.ts';
import { parseFilter } from '../../electron/core/log-query/parse-filter.ts';
import type { FilterRead } from '../../electron/core/log-query/parse-filter.ts';
import type { Suggestion } from '../../electron/core/log-query/suggest.ts';
import { ErrorMessage } from '../components/error-words.tsx';
import { Prose } from '../components/prose.tsx';
import { visible } from '../format.ts';
import { addToast } from '../state/ui-store.ts';
import { useSuggestions } from './use-suggestions.ts';
import { dropFilter, saveFilter, useView } from './view-store.ts';

type FilterProps = {
  readonly value: string;
  /** What the agent said against the filter; null = nothing. */
  readonly problem: string | null;
  readonly onChange: (filter: string) => void;
};

/** Of a word that is not understood. */
const longestShown = 60;

/** Waits until a person pauses in typing; half a word is seldom a valid filter. */
const typingMs = 350;

const ready = [
  { filter: 'disposition:bypass', label: 'filter.bypassed' },
  { filter: 'outcome:refused', label: 'filter.refused' },
  { filter: 'disposition:block', label: 'filter.blocked' },
] as const;

const examples = [
  { filter: 'disposition:bypass since:7d', label: 'filter.exampleSince' },
  { filter: 'app contains slack and not host contains edge', label: 'filter.exampleContains' },
  { filter: 'alert:46 or sign:silent-late', label: 'filter.exampleSigns' },
  { filter: 'host matches *.example.com and bytes > 1M', label: 'filter.exampleBytes' },
  { filter: "(error contains 'UnknownCA') and (action neq 'bypass')", label: 'filter.examplePaloAlto' },
] as const;

/** The whole line: box, suggestions, complaint, chips. */
export function FilterBox({ value, problem, onChange }: FilterProps) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [sent, setSent] = useState(value);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  /** A complaint is shown when the person pauses, not at every letter. */
  const [judged, setJudged] = useState(value);
  const [help, setHelp] = useState(false);
  if (value !== sent) {
    // Someone else set the filter (a link from a drawer): the box follows.
    setSent(value);
    if (text.trim() !== value) setText(value);
  }
  const read = useMemo(() => parseFilter(text), [text]);
  const fault = read.kind === 'invalid' && judged === text ? read : null;
  /** What the agent alone can complain about: it comes ready, in English. */
  const refusal = fault === null && judged === text ? problem : null;
  useEffect(() => {
    const timer = setTimeout(() => {
      setJudged(text);
      if (text.trim() === sent || parseFilter(text).kind === 'invalid') return;
      setSent(text.trim());
      onChange(text.trim());
    }, typingMs);
    return () => clearTimeout(timer);
  }, [text, sent, onChange]);
  const suggestions = useSuggestions(text, caret, open);
  /** The complaint names all fields then; the help does so with more room. */
  const lost = fault?.complaint.key === 'filter.field-unknown';

  function choose(filter: string): void {
    setText(filter);
    setJudged(filter);
    setOpen(false);
    if (parseFilter(filter).kind === 'invalid') return;
    setSent(filter.trim());
    onChange(filter.trim());
  }

  function put(from: number, to: number, words: string): void {
    const at = from + words.length;
    // At once: a caret that is set after the next letters were typed puts what follows before them.
    flushSync(() => {
      setText(text.slice(0, from) + words + text.slice(to));
      setCaret(at);
    });
    input.current?.focus();
    input.current?.setSelectionRange(at, at);
  }

  const shown = open && suggestions.options.length > 0;
  return (
    <div className="filter">
      <Autocomplete inputValue={text} onInputChange={setText} disableAutoFocusFirst>
        <TextField className="filter-field" type="search" isInvalid={fault !== null || refusal !== null} spellCheck="false" autoComplete="off">
          <Label className="unseen">{t('filter.label')}</Label>
          <div className="filter-input">
            <ListFilter aria-hidden size={18} />
            <Marked text={text} fault={fault} input={input}>
              <Input
                ref={input} placeholder={t('filter.placeholder')}
                onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
                onInput={(event) => {
                  setCaret(event.currentTarget.selectionStart ?? 0);
                  setOpen(true);
                }}
                onFocus={() => setOpen(true)}
                // React Aria also tells of a blur when the list's choice moves, while the box keeps the focus.
                onBlur={(event) => { if (document.activeElement !== event.currentTarget) setOpen(false); }}
                onKeyDown={(event) => {
                  // With a suggestion chosen Enter takes that one; the list answers it.
                  if (event.key === 'Enter' && event.currentTarget.getAttribute('aria-activedescendant') === null) choose(text.trim());
                  if (event.key === 'Escape' && shown) {
                    setOpen(false);
                    event.preventDefault();
                    event.stopPropagation();
                  } else if (event.key === 'Escape') choose('');
                  if (event.key === 'ArrowDown') setOpen(true);
                }}
              />
            </Marked>
            {text === '' ? null : <Button className="button icon-button" aria-label={t('filter.clear')} onPress={() => choose('')}><X aria-hidden size={16} /></Button>}
            <SaveButton filter={read.kind === 'filter' ? text.trim() : ''} />
            <Help isOpen={help} onOpenChange={setHelp} onChoose={choose} />
          </div>
          <Text slot="errorMessage" className="field-problem">
            {fault === null ? null : <Prose text={lost ? t('filter.noSuchField', { name: visible(text.slice(fault.at, fault.at + Math.min(fault.length, longestShown))) }) : word(t, fault.complaint)} />}
            {refusal === null ? null : <ErrorMessage error={{ code: 'bad-filter', message: refusal, advice: '' }} />}
          </Text>
        </TextField>
        {shown ? (
          <div className="suggestions">
            <ListBox aria-label={t('filter.suggestions')} items={suggestions.options.map((option) => ({ ...option, id: `${option.kind} ${option.text}` }))}>
              {(option) => (
                <ListBoxItem
                  id={option.id} className="suggestion" textValue={option.text}
                  onAction={() => put(suggestions.from, suggestions.to, option.text)}
                >
                  <SuggestionText option={option} />
                </ListBoxItem>
              )}
            </ListBox>
          </div>
        ) : null}
      </Autocomplete>
      {fault?.suggestion === undefined ? null : (
        <p><Button className="button" onPress={() => put(fault.at, fault.at + fault.length, fault.suggestion ?? '')}>{t('filter.useInstead', { word: fault.suggestion })}</Button></p>
      )}
      {lost ? <p><Button className="link" onPress={() => setHelp(true)}>{t('filter.seeHelp')}</Button></p> : null}
      <Parts read={read} onChoose={choose} />
      <Group className="chips" aria-label={t('filter.ready')}>
        {ready.map(({ filter, label }) => (
          <ToggleButton key={filter} className="chip" isSelected={text === filter} onChange={(on) => choose(on ? filter : '')}>{t(label)}</ToggleButton>
        ))}
        <Saved text={text} onChoose={choose} />
      </Group>
    </div>
  );
}

function SuggestionText({ option }: { readonly option: Suggestion }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="mono">{visible(option.text.trim())}</span>
      {option.help === '' ? null : <span className="muted">{helpWords(t, option.help)}</span>}
    </>
  );
}

type MarkedProps = { readonly text: string; readonly fault: Extract<FilterRead, { kind: 'invalid' }> | null; readonly input: { readonly current: HTMLInputElement | null }; readonly children: ReactNode };

/** The box with the same text behind it, unseen but for a line under what is not understood. */
function Marked({ text, fault, input, children }: MarkedProps) {
  const mirror = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = input.current;
    const follow = (): void => { mirror.current?.scrollTo({ left: element?.scrollLeft ?? 0 }); };
    follow();
    element?.addEventListener('scroll', follow);
    return () => element?.removeEventListener('scroll', follow);
  });
  const end = fault === null ? 0 : fault.at + fault.length;
  return (
    <div className="filter-text">
      {fault === null ? null : (
        <div ref={mirror} className="filter-mirror" aria-hidden="true">
          {text.slice(0, fault.at)}<span className="filter-wrong">{fault.length === 0 ? ' ' : text.slice(fault.at, end)}</span>{text.slice(end)}
        </div>
      )}
      {children}
    </div>
  );
}

/** What all must hold at once, each to be taken away. One condition alone needs no chip. */
function Parts({ read, onChoose }: { readonly read: FilterRead; readonly onChoose: (filter: string) => void }) {
  const { t } = useTranslation();
  if (read.kind !== 'filter' || read.tree.kind !== 'and') return null;
  const { parts } = read.tree;
  return (
    <TagGroup
      className="chips" aria-label={t('filter.parts')}
      onRemove={(keys) => {
        const left = parts.filter((_, index) => !keys.has(String(index)));
        const only = left[0];
        onChoose(left.length === 1 && only !== undefined ? formatFilter(only) : formatFilter({ kind: 'and', parts: left }));
      }}
    >
      <TagList className="chips">
        {parts.map((part, index) => {
          const words = visible(part.kind === 'or' ? `(${formatFilter(part)})` : formatFilter(part));
          return (
            <Tag key={index} id={String(index)} className="chip part" textValue={words}>
              <span className="mono clip">{words}</span>
              <Button slot="remove" className="chip-button" aria-label={t('filter.removePart', { part: words })}><X aria-hidden size={14} /></Button>
            </Tag>
          );
        })}
      </TagList>
    </TagGroup>
  );
}

function SaveButton({ filter }: { readonly filter: string }) {
  const { t } = useTranslation();
  const known = useView((view) => view.saved.includes(filter));
  if (filter === '' || known) return null;
  return (
    <Button
      className="button icon-button" aria-label={t('filter.save')}
      onPress={() => {
        saveFilter(filter);
        addToast({ text: t('filter.savedNow'), tone: 'done', action: null });
      }}
    >
      <BookmarkPlus aria-hidden size={18} />
    </Button>
  );
}

function Saved({ text, onChoose }: { readonly text: string; readonly onChoose: (filter: string) => void }) {
  const { t } = useTranslation();
  const saved = useView((view) => view.saved);
  return saved.map((filter) => (
    <span key={filter} className="saved">
      <ToggleButton className="chip" isSelected={text === filter} onChange={(on) => onChoose(on ? filter : '')}>
        <Bookmark aria-hidden size={12} /><span className="mono clip">{visible(filter)}</span>
      </ToggleButton>
      <Button
        className="chip-button" aria-label={t('filter.dropSaved', { filter: visible(filter) })}
        onPress={() => addToast({ text: t('filter.dropped'), tone: 'done', action: { label: t('exclusion.undo'), run: dropFilter(filter) } })}
      >
        <X aria-hidden size={14} />
      </Button>
    </span>
  ));
}

type HelpProps = { readonly isOpen: boolean; readonly onOpenChange: (open: boolean) => void; readonly onChoose: (filter: string) => void };

function Help({ isOpen, onOpenChange, onChoose }: HelpProps) {
  const { t } = useTranslation();
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={onOpenChange}>
      <Button className="button icon-button" aria-label={t('filter.help')}><CircleHelp aria-hidden size={18} /></Button>
      <Popover className="popover" placement="bottom end">
        <Dialog className="help">
          {({ close }) => (
            <>
              <Heading slot="title" level={2}>{t('filter.help')}</Heading>
              <p>{t('filter.helpText')}</p>
              <ul className="plain-list">
                {examples.map(({ filter, label }) => (
                  <li key={filter}>
                    <Button className="example" onPress={() => { onChoose(filter); close(); }}>
                      <code className="mono">{filter}</code><span className="muted">{t(label)}</span>
                    </Button>
                  </li>
                ))}
              </ul>
              <p className="muted">{t('filter.fields', { list: fields.map(({ name }) => name).join(', ') })}</p>
            </>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
