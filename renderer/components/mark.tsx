// Pinlight's mark: a pin whose head is a lamp. Decoration; the name stands beside it.

/** The mark at a size in CSS pixels. */
export function Mark({ size }: { readonly size: number }) {
  return (
    <svg className="mark" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <rect className="mark-ground" width="32" height="32" rx="8" />
      <path className="mark-beam" d="M16 15.5 8.2 26.2h15.6z" />
      <path className="mark-needle" d="M16 14v12.2" />
      <circle className="mark-lamp" cx="16" cy="10.2" r="4.6" />
    </svg>
  );
}
