// What may come next in the filter box: the language's own suggestions, and values that occur in the log.
import { useEffect, useMemo, useState } from 'react';
import { suggest, valueOptions } from '../../electron/core/log-query/suggest.ts';
import type { Suggestions } from '../../electron/core/log-query/suggest.ts';
import { useBridge } from '../state/services.tsx';

/** Between two letters of somebody who types; the agent need not be asked for each. */
const pauseMs = 120;

/** Suggestions for `caret`; nothing is asked while they are not `wanted`. */
export function useSuggestions(text: string, caret: number, wanted: boolean): Suggestions {
  const bridge = useBridge();
  const known = useMemo(() => suggest(text, Math.min(caret, text.length)), [text, caret]);
  const [found, setFound] = useState<{ readonly key: string; readonly values: readonly string[] }>({ key: '', values: [] });
  const { field, part } = known.wanted ?? { field: null, part: '' };
  const key = field === null ? '' : `${field} ${part}`;
  useEffect(() => {
    if (field === null || !wanted) return;
    let left = false;
    const ask = async (): Promise<void> => {
      try {
        const { values } = await bridge.call('logValues', { field, part }, {});
        if (!left) setFound({ key, values });
      } catch {
        // Without an answer there are no values to offer; the list itself says what is wrong with the agent.
      }
    };
    const timer = setTimeout(() => void ask(), pauseMs);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [bridge, field, part, key, wanted]);
  return useMemo(() => {
    const values = found.key === key && key !== '' ? valueOptions(found.values) : [];
    const texts = new Set(known.options.map((option) => option.text));
    return { ...known, options: [...known.options, ...values.filter((value) => !texts.has(value.text))] };
  }, [known, found, key]);
}
