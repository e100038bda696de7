// The clock of the screens: renders again at a steady pace, for ages and count-downs.
import { useEffect, useState } from 'react';

/** The present time, ms since the epoch, renewed every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
